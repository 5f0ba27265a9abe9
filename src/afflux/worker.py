"""The worker: takes jobs off the queue, runs them side by side, and lets none of them get lost.

A run that this worker cannot finish (it is told to stop, it lost the database, the code failed) is handed back, so
that it starts again at once. A worker that is killed hands nothing back: the queue notices that its heartbeat
stopped.
"""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import asyncpg

from afflux.domain.errors import SyncErrorCode, whereabouts
from afflux.domain.jobs import EraseUser, Job, MailToken, RunSync
from afflux.domain.syncs import Sync
from afflux.jobs.erase_user import erase_user
from afflux.jobs.mail_token import clear_outbox, mail_token
from afflux.jobs.run_sync import give_up, run_sync
from afflux.runtime import Runtime
from afflux.services import challenges, erasure, operations, retention, syncs
from afflux.store import syncs as sync_store
from afflux.store.database import AWAY
from afflux.store.queue import Consumer, TryLater

log = logging.getLogger(__name__)

#: Seconds a stopping worker lets its runs go on, and then has for handing them back.
_GRACE, _HAND_BACK = 25.0, 3.0
#: Seconds between two looks at expired challenges and lost fences, at syncs without a job and old letters, and at what
#: is no longer kept.
_TICK, _RESCUE, _CLEAR = 1.0, 30.0, 3600.0
#: Until an erasure that broke off goes on.
_REST = timedelta(seconds=10)
#: Syncs that housekeeping looks at in one go.
_AT_ONCE = 100


def collect_less() -> None:
    """Look for reference cycles seldom, and never among what is loaded: rows come by the thousand and have none.

    For a process that does nothing but this worker's work. It saves about a fifth of the time of a large sync.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@dataclass(eq=False, slots=True)
class _Running:
    """One job in hand."""

    task: asyncio.Task[None] = field(init=False)
    #: The run it has become, once it has begun.
    sync: Sync | None = None
    #: Why it was broken off: handed back (True), or it belongs to somebody else (False).
    hand_back: bool = True
    #: Whether it is being put back; that is not broken off a second time.
    giving_up: bool = False


@dataclass(slots=True)
class Worker:
    """Runs jobs until told to stop."""

    runtime: Runtime
    _running: set[_Running] = field(default_factory=set)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set and the jobs in hand have ended or are handed back."""
        async with asyncio.TaskGroup() as group:
            chores = [
                group.create_task(self._every(_TICK, self._watch_fences)),
                group.create_task(self._every(_TICK, self._expire_challenges)),
                group.create_task(self._every(_RESCUE, self._rescue_orphans)),
                group.create_task(self._every(_RESCUE, partial(clear_outbox, self.runtime))),
                group.create_task(self._every(_RESCUE, partial(erasure.rescue, self.runtime))),
                group.create_task(self._every(_CLEAR, self._clear_old)),
                group.create_task(self._end_grace(stop)),
            ]
            await self._consume(stop)
            for chore in chores:
                chore.cancel()

    async def _consume(self, stop: asyncio.Event) -> None:
        """Take jobs; when the database goes away, come back with it."""
        settings = self.runtime.settings
        consumer = Consumer(
            dsn=self.runtime.dsn,
            handle=self._handle,
            limits=_limits(self.runtime),
            concurrency=settings.worker_concurrency,
            heartbeat=settings.heartbeat_seconds,
        )
        while not stop.is_set():
            try:
                await consumer.run(stop, self._break_off)
            except Exception as error:
                log.warning("the queue broke off (%s), connecting again", type(error).__name__)
                self._break_off()
                await asyncio.sleep(0.5)

    async def _handle(self, job: Job, job_id: int) -> None:
        """Carry out one job to a state that is in the database, whatever happens. Raises `TryLater`."""
        match job:
            case RunSync():
                await self._synchronise(job, job_id)
            case MailToken():
                await self._mail(job, job_id)
            case EraseUser():
                await self._erase(job)

    async def _erase(self, job: EraseUser) -> None:
        try:
            await erase_user(self.runtime, job)
        except Exception as error:
            log.error("erasure %s goes on later: %s at %s", job.operation_id, type(error).__name__, whereabouts(error))
            raise TryLater(_REST) from None

    async def _mail(self, job: MailToken, job_id: int) -> None:
        try:
            await mail_token(self.runtime, job, job_id)
        except TryLater:
            raise
        except Exception as error:
            if _is_away(error):
                raise TryLater from None
            log.error("no code for user %s: %s at %s", job.user_id, type(error).__name__, whereabouts(error))

    async def _synchronise(self, job: RunSync, job_id: int) -> None:
        running = _Running()
        running.task = asyncio.create_task(self._run(running, job, job_id))
        self._running.add(running)
        try:
            await asyncio.wait([running.task])
        finally:
            self._running.discard(running)
        if running.giving_up and running.sync is None:
            raise TryLater

    async def _run(self, running: _Running, job: RunSync, job_id: int) -> None:
        def began(sync: Sync) -> None:
            running.sync = sync

        try:
            await run_sync(self.runtime, job, job_id, began)
        except asyncio.CancelledError:
            if running.hand_back or running.sync is None:
                await self._give_up(running, None)
        except Exception as error:
            if _is_away(error):
                await self._give_up(running, None)
                return
            # Its message may hold what a person typed; where it happened does not.
            log.error("sync %s failed: %s at %s", job.sync_id, type(error).__name__, whereabouts(error))
            await self._give_up(running, SyncErrorCode.INTERNAL)

    async def _give_up(self, running: _Running, code: SyncErrorCode | None) -> None:
        """Put the sync back, for as long as it takes the database to come back."""
        running.giving_up = True
        while running.sync is not None:
            try:
                await give_up(self.runtime, running.sync, code)
                return
            except AWAY:
                await asyncio.sleep(0.5)

    def _break_off(self) -> None:
        """Stop all runs and hand them back."""
        for running in list(self._running):
            if not running.giving_up:
                running.task.cancel()

    async def _end_grace(self, stop: asyncio.Event) -> None:
        await stop.wait()
        await asyncio.sleep(_GRACE)
        log.warning("handing back %d syncs", len(self._running))
        self._break_off()
        await asyncio.sleep(_HAND_BACK)
        for running in list(self._running):
            running.hand_back = False
            running.task.cancel()

    async def _every(self, seconds: float, chore: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await chore()
            except AWAY:
                pass
            except Exception as error:
                log.error("housekeeping failed: %s at %s", type(error).__name__, whereabouts(error))
            await asyncio.sleep(seconds)

    async def _watch_fences(self) -> None:
        """Break off the runs whose sync was cancelled, deleted or taken over."""
        mine = {running.sync.id: running for running in self._running if running.sync is not None}
        if not mine:
            return
        attempts: dict[UUID, int] = {id: running.sync.attempt for id, running in mine.items() if running.sync}
        async with self.runtime.database.transaction() as tx:
            lost = await sync_store.lost(tx, attempts)
        for id in lost:
            mine[id].hand_back = False
            mine[id].task.cancel()

    async def _expire_challenges(self) -> None:
        async with self.runtime.database.transaction() as tx:
            overdue = await sync_store.overdue(tx, _AT_ONCE)
        for sync in overdue:
            async with self.runtime.database.transaction() as tx:
                await challenges.expire(tx, sync)

    async def _clear_old(self) -> None:
        await retention.clear(self.runtime.database, self.runtime.settings)
        await operations.clear(self.runtime.database)

    async def _rescue_orphans(self) -> None:
        async with self.runtime.database.transaction() as tx:
            orphans = await sync_store.orphans(tx, _AT_ONCE)
        for sync in orphans:
            log.warning("sync %s has no job and gets one", sync.id)
            async with self.runtime.database.transaction() as tx:
                await syncs.rescue(tx, sync)


def _limits(runtime: Runtime) -> dict[int, int]:
    """How many syncs of a provider may run at once: as few as its most delicate channel wants."""
    return {
        provider.id: min((c.limits.concurrency for c in provider.channels if c.limits.concurrency), default=0)
        for provider in runtime.registry.providers()
    }


def _is_away(error: Exception) -> bool:
    """Whether the database is away. A value that it cannot take is an interface error too, and stays one."""
    return isinstance(error, AWAY) and not isinstance(error, asyncpg.DataError)
