"""Asking for synchronisations: one at a time for each connection, and nobody's wish is lost."""

import asyncio

import pytest

from afflux.domain.errors import Conflict
from afflux.domain.events import EventType
from afflux.domain.syncs import SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import syncs
from tests.conftest import Tenant
from tests.jobs.acting import current, events_of, link, request, syncs_of, until, working


async def test_a_second_request_joins_the_active_sync(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet")
    first = await request(runtime, alice, connection)
    second = await request(runtime, alice, connection)
    assert second.id == first.id
    requested = [event for event in await events_of(runtime, alice) if event.type is EventType.SYNC_REQUESTED]
    assert len(requested) == 1


async def test_twenty_requests_at_once_are_one_sync_with_one_job(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet")
    asked = await asyncio.gather(*(request(runtime, alice, connection) for _ in range(20)))
    assert len({sync.id for sync in asked}) == 1
    async with runtime.database.transaction() as tx:
        assert await tx.value("SELECT count(*) FROM pgqueuer") == 1


async def test_requests_go_on_joining_or_starting_syncs_while_a_worker_ends_them(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast+empty")
    async with working(runtime):

        async def ask_often() -> None:
            for _ in range(15):
                await request(runtime, alice, connection)

        await asyncio.wait_for(asyncio.gather(*(ask_often() for _ in range(4))), 60)
        held = await syncs_of(runtime, connection)
        ended = [await until(runtime, sync, SyncStatus.FINISHED, SyncStatus.FAILED) for sync in held]
    assert {(sync.status, sync.error_code, sync.retries) for sync in ended} == {(SyncStatus.FINISHED, None, 0)}


async def test_accounts_asked_for_while_all_runs_follow_afterwards(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet")
    running = await request(runtime, alice, connection, SyncKind.ALL)
    assert (await request(runtime, alice, connection, SyncKind.ACCOUNTS)).id == running.id
    async with working(runtime):
        await until(runtime, running, SyncStatus.FINISHED)
        first, second = await syncs_of(runtime, connection)
        await until(runtime, second, SyncStatus.FINISHED)
    assert (first.kind, second.kind) == (SyncKind.ALL, SyncKind.ACCOUNTS)
    assert len(await syncs_of(runtime, connection)) == 2


async def test_all_asked_for_while_accounts_are_listed_needs_no_sync_of_its_own(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast+quiet")
    listing = await request(runtime, alice, connection, SyncKind.ACCOUNTS)
    await request(runtime, alice, connection, SyncKind.ALL)
    async with working(runtime):
        await until(runtime, listing, SyncStatus.FINISHED)
    assert len(await syncs_of(runtime, connection)) == 1


async def test_accounts_are_followed_by_everything_without_a_request(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast")
    sync = await request(runtime, alice, connection, SyncKind.ACCOUNTS)
    async with working(runtime):
        ended = await until(runtime, sync, SyncStatus.FINISHED, SyncStatus.FAILED)
    types = [event.type for event in await events_of(runtime, alice, sync)]
    assert ended.status is SyncStatus.FINISHED
    assert ended.result["transactions"]["added"] > 100
    assert types.index(EventType.SYNC_LISTED) < types.index(EventType.TRANSACTIONS_CHANGED)
    assert types.count(EventType.SYNC_FINISHED) == 1


async def test_a_cancelled_sync_ends_where_it_stands(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "slow-30")
    sync = await request(runtime, alice, connection)
    async with working(runtime):
        await until(runtime, sync, SyncStatus.RUNNING)
        async with runtime.database.transaction() as tx:
            await syncs.cancel(tx, alice.principal, connection)
    assert (await current(runtime, sync)).status is SyncStatus.CANCELLED
    assert (await events_of(runtime, alice, sync))[-1].type is EventType.SYNC_CANCELLED


async def test_there_is_nothing_to_cancel_when_nothing_runs(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet")
    with pytest.raises(Conflict, match="no synchronisation is active"):
        async with runtime.database.transaction() as tx:
            await syncs.cancel(tx, alice.principal, connection)
