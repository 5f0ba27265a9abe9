"""Cancelling, unlinking and erasing while syncs run: the run stops, and nothing is born afterwards."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from afflux.domain.errors import Conflict, NotFound
from afflux.domain.events import Event, EventType
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import connections, erasure, syncs
from afflux.store import erasure as erasure_store
from afflux.store.database import Tx
from tests.conftest import Tenant
from tests.faults import rig
from tests.faults.history import check_story, log
from tests.faults.people import Link, another_user, linked, patiently, reached, requested, seen
from tests.faults.server import until
from tests.jobs.acting import working

#: Seconds in which a run notices that it is not wanted any more.
NOTICE = 4.0


async def cancel(runtime: Runtime, link: Link) -> None:
    async with runtime.database.transaction() as tx:
        await syncs.cancel(tx, link.tenant.principal, link.connection)


async def unlink(runtime: Runtime, link: Link) -> None:
    async with runtime.database.transaction() as tx:
        await connections.delete(tx, link.tenant.principal, link.connection)


async def erase(runtime: Runtime, link: Link) -> None:
    await erasure.erase(runtime, link.tenant.principal, link.tenant.user.id, reason="test")


Act = Callable[[Runtime, Link], Awaitable[None]]


@pytest.mark.parametrize("act", [cancel, unlink, erase])
async def test_a_run_that_is_not_wanted_any_more_stops_and_writes_nothing(
    act: Act, workshop: Runtime, alice: Tenant, tmp_path: Path
) -> None:
    journal = tmp_path / "journal"
    link = await linked(workshop, alice, rig.ENDLESS, str(journal))
    async with working(workshop):
        sync = await requested(workshop, link)
        await until(lambda: sum(note.what == "day" for note in rig.read(journal)) >= 2)
        await act(workshop, link)
        acted, before = time.monotonic(), await everything(workshop, link)
        await until(lambda: rig.read(journal)[-1].what == "leave", NOTICE)
        assert time.monotonic() - acted < NOTICE
    assert await everything(workshop, link) == before
    facts = await patiently(workshop, lambda tx: log(tx, link.tenant.application.id))
    check_end(act, [fact for fact in facts if fact.sync_id == sync.id], facts[-1])


async def everything(runtime: Runtime, link: Link) -> tuple[dict[str, int], int]:
    """Rows of the user by table, and the length of the log."""
    application = link.tenant.application.id

    async def look(tx: Tx) -> tuple[dict[str, int], int]:
        return await erasure_store.count(tx, application, link.tenant.user.id), len(await log(tx, application))

    return await patiently(runtime, look)


def check_end(act: Act, story: list[Event], last: Event) -> None:
    """How the log tells it."""
    if act is cancel:
        check_story(story)
        assert last.type is EventType.SYNC_CANCELLED
    elif act is unlink:
        assert last.type is EventType.CONNECTION_DELETED
    else:
        assert story == []
        assert last.type is EventType.USER_ERASED


async def test_a_cancelled_sync_makes_room_for_the_next_one(workshop: Runtime, alice: Tenant, tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    link = await linked(workshop, alice, rig.ENDLESS, str(journal))
    async with working(workshop):
        first = await requested(workshop, link)
        await until(lambda: any(note.what == "day" for note in rig.read(journal)))
        await cancel(workshop, link)
        second = await requested(workshop, link)
        await reached(workshop, second, SyncStatus.RUNNING)
        assert second.id != first.id
        assert (await seen(workshop, first)).status is SyncStatus.CANCELLED
        await cancel(workshop, link)


async def test_nobody_waits_for_somebody_who_waits_for_him(workshop: Runtime, alice: Tenant, tmp_path: Path) -> None:
    journal = str(tmp_path / "journal")
    tenants = [alice, *[await another_user(workshop, alice, f"{n}@example.org") for n in range(9)]]
    links = [await linked(workshop, tenant, rig.ENDLESS, journal) for tenant in tenants for _ in range(3)]
    chance = random.Random(1)
    async with working(workshop):
        for link in links:
            await requested(workshop, link)
        await asyncio.gather(*(meddle(workshop, link, chance) for link in links))
    left = await patiently(workshop, lambda tx: tx.value("SELECT count(*) FROM syncs"))
    assert left == 0


async def meddle(runtime: Runtime, link: Link, chance: random.Random) -> None:
    """Ask and cancel at odd moments while the runs write, then unlink or erase. A deadlock would be raised here."""
    for _ in range(8):
        await asyncio.sleep(chance.uniform(0, 0.2))
        try:
            await requested(runtime, link)
            await cancel(runtime, link)
        except (Conflict, NotFound):
            pass
    with suppress(NotFound):
        await chance.choice([unlink, erase])(runtime, link)
