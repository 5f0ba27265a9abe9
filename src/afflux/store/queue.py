"""The job queue: PgQueuer, used here and nowhere else.

A job is enqueued in the transaction that makes it true. It carries a kind and ids; delivery is at least once, so that
handlers look at the row and decide. Workers take jobs up to a limit per kind, and of syncs per provider, which holds
over all workers; a dead worker's jobs go to another one after `heartbeat` without a sign of life.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import asyncpg
import msgspec
from pgqueuer import AsyncpgDriver, JobId, QueueManager, RetryRequested
from pgqueuer import Job as Delivery
from pgqueuer.domain.models import TracebackRecord
from pgqueuer.queries import Queries
from pgqueuer.types import JOB_STATUS

from afflux.domain.jobs import EraseUser, Job, MailToken, RunSync
from afflux.store.database import Tx

#: Jobs taken from the table in one statement.
_BATCH = 50

#: What a worker does with a job: its value, and the queue's own number for this delivery (the same when delivered
#: again).
Handler = Callable[[Job, int], Awaitable[None]]

#: The longest time between two looks at the queue. A dead worker's jobs are found by such a look, not by a message.
LOOK = timedelta(seconds=2)
#: What each kind of job is called in the queue.
_NAMES: Mapping[type[Job], str] = {RunSync: "sync", MailToken: "mail", EraseUser: "erase"}
#: Letters under way at the same time, over all workers: each takes a thread, and a mail server has its own limits.
_LETTERS = 4
#: Erasures at the same time, over all workers.
_ERASURES = 4


class TryLater(Exception):
    """Raised by a handler that cannot do its job now: it is delivered again, `after` from now."""

    def __init__(self, after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__()
        self.after = after


def _entrypoint(kind: type[Job], provider_id: int | None = None) -> str:
    """Where jobs of a kind queue up; syncs do so by provider."""
    return _NAMES[kind] if provider_id is None else f"{_NAMES[kind]}:{provider_id}"


async def install(dsn: str) -> None:
    """Create or upgrade the queue's tables."""
    connection = await asyncpg.connect(dsn)
    try:
        queries = Queries(AsyncpgDriver(connection))
        async with queries.schema_lock():
            if not await queries.schema_is_installed():
                await queries.install()
        await queries.apply_upgrade()
    finally:
        await connection.close()


async def enqueue(tx: Tx, job: Job, provider_id: int | None = None, *, after: timedelta | None = None) -> int:
    """Put the job into the queue when `tx` commits, to start `after` from then; the queue's number for it.

    A sync names its provider, to whose limit it counts.
    """
    (job_id,) = await enqueue_all(tx, [(job, provider_id)], after=after)
    return job_id


async def enqueue_all(tx: Tx, jobs: Sequence[tuple[Job, int | None]], *, after: timedelta | None = None) -> list[int]:
    """`enqueue` for many jobs, each with its provider; the queue's numbers in the same order."""
    ids = await Queries(AsyncpgDriver(tx.connection)).enqueue(
        [_entrypoint(type(job), provider_id) for job, provider_id in jobs],
        [msgspec.json.encode(job) for job, _ in jobs],
        [0] * len(jobs),
        [after] * len(jobs),
    )
    return [int(id) for id in ids]


async def drop(tx: Tx, job_id: int) -> None:
    """Take a job out of the queue, if it is still there."""
    await tx.execute("DELETE FROM pgqueuer WHERE id = $1", job_id)


async def drop_erasure(tx: Tx, job: EraseUser) -> None:
    """Take the job of an erasure that has ended out of the queue."""
    await tx.execute(
        """
        -- every application: a job is named by its own content
        DELETE FROM pgqueuer WHERE entrypoint = $1 AND payload = $2
        """,
        _entrypoint(EraseUser),
        msgspec.json.encode(job),
    )


async def drop_of_user(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    """Take the user's jobs out of the queue; one in hand finds gone what it is about."""
    await tx.execute(
        """
        DELETE FROM pgqueuer WHERE id IN (
            SELECT job_id FROM syncs WHERE application_id = $1 AND user_id = $2 AND job_id IS NOT NULL
            UNION ALL SELECT job_id FROM address_validations WHERE application_id = $1 AND user_id = $2
        )
        """,
        application_id,
        user_id,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumer:
    """Takes jobs off the queue and hands each to `handle`, many at a time."""

    dsn: str
    handle: Handler
    #: Syncs at the same time over all workers, by provider id; 0 means as many as there are.
    limits: Mapping[int, int]
    #: Jobs at the same time in this worker.
    concurrency: int
    #: Seconds without a sign of life after which a worker's jobs go to others.
    heartbeat: int

    async def run(self, stop: asyncio.Event, lost: Callable[[], None]) -> None:
        """Work until `stop`, then until the jobs in hand have ended.

        Calls `lost` when the connection breaks: the queue will give the jobs in hand to somebody else. Raises what
        broke it.
        """
        connection = await asyncpg.connect(self.dsn, server_settings={"application_name": "afflux worker"})
        connection.add_termination_listener(lambda _: lost())
        try:
            manager = self._manager(connection)
            async with _shutdown_with(stop, manager):
                await manager.run(
                    dequeue_timeout=LOOK,
                    batch_size=max(1, min(_BATCH, self.concurrency // 2)),
                    max_concurrent_tasks=max(2, self.concurrency),  # The least that it can be told.
                    heartbeat_timeout=timedelta(seconds=self.heartbeat),
                )
        finally:
            connection.terminate()

    def _manager(self, connection: asyncpg.Connection) -> QueueManager:
        queries = _OwnJobs(AsyncpgDriver(connection))
        manager = QueueManager(queries)
        queries.owner = manager.queue_manager_id
        for provider_id, limit in self.limits.items():
            manager.entrypoint(_entrypoint(RunSync, provider_id), concurrency_limit=limit)(self._to_handler(RunSync))
        manager.entrypoint(_entrypoint(MailToken), concurrency_limit=_LETTERS)(self._to_handler(MailToken))
        manager.entrypoint(_entrypoint(EraseUser), concurrency_limit=_ERASURES)(self._to_handler(EraseUser))
        return manager

    def _to_handler(self, kind: type[Job]) -> Callable[[Delivery], Awaitable[None]]:
        """What the queue calls for a job of this kind."""

        async def dispatch(delivery: Delivery) -> None:
            assert delivery.payload is not None  # noqa: S101 - `enqueue` always gives one
            try:
                await self.handle(msgspec.json.decode(delivery.payload, type=kind), int(delivery.id))
            except TryLater as later:
                raise RetryRequested(later.after) from None

        return dispatch


class _OwnJobs(Queries):
    """Touches a job only while it is in the hands of this worker.

    A worker that was out for longer than its heartbeat comes back to jobs that others run by now; they are not its to
    keep alive, to end or to deliver again.
    """

    owner: UUID

    async def update_heartbeat(self, job_ids: list[JobId]) -> None:
        await self._kept(job_ids)

    async def log_jobs(self, job_status: list[tuple[Delivery, JOB_STATUS, TracebackRecord | None]]) -> None:
        kept = await self._kept([job.id for job, _, _ in job_status])
        await super().log_jobs([each for each in job_status if each[0].id in kept])

    async def retry_job(self, job: Delivery, delay: timedelta, traceback_record: TracebackRecord | None) -> None:
        if await self._kept([job.id]):
            await super().retry_job(job, delay, traceback_record)

    async def _kept(self, job_ids: Sequence[JobId]) -> set[JobId]:
        """Which of these jobs are still ours. The heartbeat keeps them so until the caller is done with them."""
        rows = await self.driver.fetch(
            """
            UPDATE pgqueuer SET heartbeat = now()
            WHERE id = ANY($1::bigint[]) AND status = 'picked' AND queue_manager_id = $2 RETURNING id
            """,
            list(set(job_ids)),
            self.owner,
        )
        return {JobId(int(str(row["id"]))) for row in rows}


@asynccontextmanager
async def _shutdown_with(stop: asyncio.Event, manager: QueueManager) -> AsyncIterator[None]:
    """Tell the manager to stop claiming when `stop` is set."""

    async def relay() -> None:
        await stop.wait()
        manager.shutdown.set()

    task = asyncio.create_task(relay())
    try:
        yield
    finally:
        task.cancel()
