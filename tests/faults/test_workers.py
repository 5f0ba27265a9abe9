"""Several workers on one database: they share, they keep to the limits, and none writes what another one owns."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from afflux.domain.events import EventType
from afflux.domain.syncs import Sync, SyncStatus
from afflux.runtime import Runtime
from afflux.store.database import Tx
from tests.conftest import Tenant
from tests.faults import rig
from tests.faults.history import check_log, log
from tests.faults.people import Link, ended, linked, patiently, reached, requested, seen
from tests.faults.server import until


@asynccontextmanager
async def workers(
    runtime: Runtime, log: Path, count: int, heartbeat: int
) -> AsyncIterator[list["subprocess.Popen[bytes]"]]:
    """Workers in processes of their own."""
    started = [rig.worker(runtime.dsn, heartbeat, log) for _ in range(count)]
    try:
        yield started
    finally:
        for process in started:
            process.kill()
            process.wait()


async def listeners(runtime: Runtime) -> int:
    """How many workers listen for jobs."""

    async def look(tx: Tx) -> int:
        return int(
            await tx.value(
                """
                SELECT count(*) FROM pg_stat_activity
                WHERE application_name = 'afflux worker' AND datname = current_database()
                """
            )
        )

    return await patiently(runtime, look)


async def listening(runtime: Runtime, count: int) -> None:
    """Return once so many workers wait for jobs."""
    async with asyncio.timeout(90):
        while await listeners(runtime) < count:
            await asyncio.sleep(0.05)


def spans(notes: Sequence[rig.Note]) -> list[tuple[float, float]]:
    """From when to when each run lasted; one without an end lasts for ever."""
    begun: dict[tuple[int, str], float] = {}
    found = []
    for note in notes:
        if note.what == "enter":
            begun[note.pid, note.connection] = note.at
        elif note.what == "leave":
            found.append((begun.pop((note.pid, note.connection)), note.at))
    return found + [(at, float("inf")) for at in begun.values()]


def most_at_once(runs: Sequence[tuple[float, float]]) -> int:
    """The largest number of runs at one moment."""
    return max(sum(begin <= at < end for begin, end in runs) for at, _ in runs)


async def test_two_workers_share_the_jobs_and_keep_to_the_limit_of_a_provider(
    workshop: Runtime, alice: Tenant, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    links = [await linked(workshop, alice, rig.NARROW, str(journal)) for _ in range(18)]
    async with workers(workshop, tmp_path / "log", 2, heartbeat=20):
        await listening(workshop, 2)
        asked = [await requested(workshop, link) for link in links]
        over = await ended(workshop, asked)
    assert {sync.status for sync in over} == {SyncStatus.FINISHED}
    notes = rig.read(journal)
    assert len({note.pid for note in notes}) == 2, "one worker did it all"
    assert most_at_once(spans(notes)) == rig.TURNS
    assert sorted(note.connection for note in notes if note.what == "enter") == sorted(
        str(link.connection.id) for link in links
    )
    await check_log(workshop, links)


async def test_a_worker_that_was_frozen_comes_back_to_a_sync_that_is_no_longer_its_own(
    workshop: Runtime, alice: Tenant, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    link = await linked(workshop, alice, rig.STEADY, str(journal))
    async with workers(workshop, tmp_path / "log", 2, heartbeat=3):
        await listening(workshop, 2)
        sync = await requested(workshop, link)
        # A note is written while nothing is being stored: it does not freeze with a lock in its hands.
        await until(lambda: any(note.what == "day" for note in rig.read(journal)))
        frozen = rig.read(journal)[-1].pid
        os.kill(frozen, signal.SIGSTOP)
        await until(lambda: any(note.pid != frozen for note in rig.read(journal)))
        os.kill(frozen, signal.SIGCONT)
        await until(lambda: any((note.what, note.pid) == ("leave", frozen) for note in rig.read(journal)))
        seen_days = len(rig.read(journal))
        await until(lambda: len(rig.read(journal)) >= seen_days + 3)
        await still_queued(workshop, sync)
        over = await reached(workshop, sync, SyncStatus.FINISHED, SyncStatus.FAILED)
    assert over.status is SyncStatus.FINISHED
    assert over.losses == 1
    await check_log(workshop, [link])
    assert await rows_of(workshop, link) == rig.DAYS
    await check_one_writer_at_a_time(workshop, link)


async def still_queued(runtime: Runtime, sync: Sync) -> None:
    """The worker that was frozen has not ended the job of the one that runs it now."""
    now = await seen(runtime, sync)
    count = await patiently(runtime, lambda tx: tx.value("SELECT count(*) FROM pgqueuer WHERE id = $1", now.job_id))
    assert now.status is SyncStatus.FINISHED or count == 1


async def rows_of(runtime: Runtime, link: Link) -> int:
    """Transactions held of the connection."""
    sql = "SELECT count(*) FROM transactions WHERE user_id = $1"
    return int(await patiently(runtime, lambda tx: tx.value(sql, link.tenant.user.id)))


async def check_one_writer_at_a_time(runtime: Runtime, link: Link) -> None:
    """After the second run began, everything was written by it: its days come in order, once each."""
    facts = await patiently(runtime, lambda tx: log(tx, link.tenant.application.id))
    starts = [fact.position for fact in facts if fact.type is EventType.SYNC_STARTED]
    assert len(starts) == 2
    accounts = [fact for fact in facts if fact.type is EventType.ACCOUNT_ADDED]
    assert len(accounts) == 1
    assert accounts[0].position < starts[1]


async def test_a_sync_that_kills_three_workers_is_given_up(workshop: Runtime, alice: Tenant, tmp_path: Path) -> None:
    journal, errors = tmp_path / "journal", tmp_path / "log"
    link = await linked(workshop, alice, rig.LETHAL, str(journal))
    sync = await requested(workshop, link)
    deaths = 0
    began = time.monotonic()
    while (now := await seen(workshop, sync)).status.active:
        assert time.monotonic() - began < 180, now
        async with workers(workshop, errors, 1, heartbeat=1) as (process,):
            deaths += await died_or_done(workshop, sync, process)
    assert (now.status, now.error_code) == (SyncStatus.FAILED, "worker_lost")
    assert deaths == 3
    assert [note.what for note in rig.read(journal)] == ["enter"] * 3
    await check_log(workshop, [link])


async def died_or_done(runtime: Runtime, sync: Sync, process: "subprocess.Popen[bytes]") -> bool:
    """Whether the sync killed the worker, rather than ended."""
    while process.poll() is None:
        if not (await seen(runtime, sync)).status.active:
            return False
        await asyncio.sleep(0.05)
    assert process.returncode == -signal.SIGKILL
    return True


async def test_who_is_silent_in_a_transaction_loses_its_locks(runtime: Runtime) -> None:
    async with runtime.database.transaction() as tx:
        assert await tx.value("SHOW idle_in_transaction_session_timeout") == "30s"
