"""SIGTERM: prompt when there is nothing to do, patient with the syncs in hand, and nobody's loss."""

import asyncio

from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import syncs
from tests.faults.history import check_history
from tests.faults.people import (
    LOGINS,
    SANDBOX,
    answering,
    ended,
    linked_all,
    patiently,
    reached,
    requested,
    running,
    seen,
)
from tests.faults.server import Server

#: Seconds that a worker lets its syncs go on, and that everything else may take on a busy machine.
GRACE, SLACK = 25.0, 12.0


async def test_a_stop_waits_for_what_ends_soon_and_hands_back_the_rest(server: Server, desk: Runtime) -> None:
    quick = await linked_all(desk, "stopped", LOGINS[2::4])
    slow = await linked_all(desk, "slow", [(SANDBOX, "zed+slow-60")])
    asked = await asyncio.gather(*(requested(desk, link) for link in quick))
    sync = await requested(desk, slow[0])
    await reached(desk, sync, SyncStatus.RUNNING)
    await running(desk, asked, 1)
    assert GRACE <= await server.stop() <= GRACE + SLACK
    assert server.leftovers() == []

    server.start()
    await server.ready()
    again = await reached(desk, sync, SyncStatus.RUNNING, seconds=10)
    assert again.attempt > 1
    assert again.losses == 0
    await patiently(desk, lambda tx: syncs.cancel(tx, slow[0].tenant.principal, slow[0].connection))
    async with answering(desk, quick):
        await ended(desk, asked)
    over = await check_history(desk, quick, asked)
    assert all(sync.losses == 0 for sync in over)


async def test_an_idle_server_stops_at_once(server: Server) -> None:
    assert await server.stop() < SLACK
    assert server.leftovers() == []


async def test_a_stop_in_the_middle_of_many_syncs_loses_none(server: Server, desk: Runtime) -> None:
    links = await linked_all(desk, "middle", LOGINS[1::3])
    asked = await asyncio.gather(*(requested(desk, link) for link in links))
    await running(desk, asked, 2)
    await server.stop()
    server.start()
    async with answering(desk, links):
        await server.ready()
        await ended(desk, asked)
    over = await check_history(desk, links, asked)
    assert all(sync.losses == 0 for sync in over)


async def test_a_question_outlives_the_server(server: Server, desk: Runtime) -> None:
    links = await linked_all(
        desk, "asked", [(SANDBOX, "ann+sms"), (SANDBOX, "ben+app-3"), (SANDBOX, "cat+sms+expires-4")]
    )
    answered, approved, _ = links
    asked = [await requested(desk, link) for link in links]
    for sync in asked:
        await reached(desk, sync, SyncStatus.WAITING)
    await server.stop()

    server.start()
    await server.ready()
    late = await reached(desk, asked[2], SyncStatus.FAILED)
    assert late.error_code == "challenge_expired"
    assert (await seen(desk, asked[0])).status is SyncStatus.WAITING
    async with answering(desk, [answered]):
        over = await ended(desk, asked[:2])
    assert [sync.status for sync in over] == [SyncStatus.FINISHED] * 2
    await check_history(desk, [answered, approved], asked[:2])


async def test_a_question_that_nobody_answers_ends_when_it_expires(desk: Runtime) -> None:
    (link,) = await linked_all(desk, "silence", [(SANDBOX, "dan+sms+expires-2")])
    sync = await requested(desk, link)
    waiting = await reached(desk, sync, SyncStatus.WAITING)
    over = await reached(desk, sync, SyncStatus.FAILED)
    assert over.error_code == "challenge_expired"
    assert over.ended_at is not None
    assert waiting.challenge_expires_at is not None
    assert 0 <= (over.ended_at - waiting.challenge_expires_at).total_seconds() < 10
