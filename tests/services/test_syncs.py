"""Asking for synchronisations: one at a time for each connection, and nobody's wish is lost."""

import asyncio

import pytest

from afflux.domain.connections import Connection
from afflux.domain.errors import Conflict
from afflux.domain.events import EventType
from afflux.domain.syncs import Sync, SyncKind, SyncStatus
from afflux.runtime import Runtime
from afflux.services import connections, syncs
from afflux.store.database import Tx
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


async def test_asking_for_all_connections_is_asking_for_each(runtime: Runtime, alice: Tenant) -> None:
    idle, pending, listing, alone = [await link(runtime, alice, "fast+quiet") for _ in range(4)]
    joined = [await request(runtime, alice, pending), await request(runtime, alice, listing, SyncKind.ACCOUNTS)]
    asked = await request_all(runtime, alice, SyncKind.ACCOUNTS)
    assert [sync.connection_id for sync in asked] == [idle.id, pending.id, listing.id, alone.id]
    assert [sync.id for sync in asked[1:3]] == [sync.id for sync in joined]
    followed = [(await current(runtime, sync)).then_kind for sync in asked]
    assert followed == [None, SyncKind.ACCOUNTS, None, None]
    requested = [event for event in await events_of(runtime, alice) if event.type is EventType.SYNC_REQUESTED]
    assert [event.data["kind"] for event in requested] == ["all", "accounts", "accounts", "accounts"]
    async with working(runtime):
        ended = [await until(runtime, sync, SyncStatus.FINISHED) for sync in asked]
    assert {sync.attempt for sync in ended} == {2}, "each was begun once, and ended"


async def request_all(runtime: Runtime, tenant: Tenant, kind: SyncKind = SyncKind.ALL) -> list[Sync]:
    async with runtime.database.transaction() as tx:
        asked = await syncs.request_all(tx, tenant.principal, tenant.user.id, kind, interactive=True)
    assert all(connection.id == sync.connection_id for connection, sync in asked)
    return [sync for _, sync in asked]


async def test_many_connections_cost_no_more_statements_than_one(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    await link(runtime, alice, "fast+quiet")
    await statements(runtime, alice)  # The driver looks up types at their first use.
    await link(runtime, alice, "fast+quiet")
    for _ in range(10):
        await link(runtime, bob, "fast+quiet")
    assert await statements(runtime, alice) == await statements(runtime, bob)


async def statements(runtime: Runtime, tenant: Tenant) -> int:
    """How many it takes to ask for all of the user's connections."""
    seen: list[object] = []
    async with runtime.database.transaction() as tx:
        with tx.connection.query_logger(seen.append):
            await syncs.request_all(tx, tenant.principal, tenant.user.id, SyncKind.ALL, interactive=True)
    return len(seen)


async def test_wishes_for_all_and_for_each_at_the_same_time_are_one_sync_each(runtime: Runtime, alice: Tenant) -> None:
    linked = [await link(runtime, alice, "fast+empty") for _ in range(5)]
    async with working(runtime):
        for _ in range(5):
            each = (request(runtime, alice, connection) for connection in linked)
            await asyncio.wait_for(asyncio.gather(*(request_all(runtime, alice) for _ in range(5)), *each), 60)
        held = [sync for connection in linked for sync in await syncs_of(runtime, connection)]
        ended = [await until(runtime, sync, SyncStatus.FINISHED, SyncStatus.FAILED) for sync in held]
    assert {(sync.status, sync.retries, sync.losses) for sync in ended} == {(SyncStatus.FINISHED, 0, 0)}


async def test_new_credentials_are_for_the_sync_that_no_worker_has_begun(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet", password="wrong")
    sync = await request(runtime, alice, connection)
    await retype(runtime, alice, connection, password="123456")
    assert (await request(runtime, alice, connection)).id == sync.id
    async with working(runtime):
        await until(runtime, sync, SyncStatus.FINISHED)


async def test_new_credentials_end_the_sync_that_goes_by_the_old_ones(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet+sms")
    sync = await request(runtime, alice, connection)
    async with working(runtime):
        await until(runtime, sync, SyncStatus.WAITING)
        await retype(runtime, alice, connection, password="123456")
        assert (await current(runtime, sync)).status is SyncStatus.WAITING, "they were the same"
        await retype(runtime, alice, connection, login="fast+quiet")
    assert (await current(runtime, sync)).status is SyncStatus.CANCELLED


async def test_a_sync_asked_for_while_credentials_are_replaced_goes_by_the_new_ones(
    runtime: Runtime, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast+quiet", password="wrong")
    async with working(runtime):
        async with runtime.database.transaction() as tx:
            await _retype(tx, runtime, alice, connection, password="123456")
            asking = asyncio.create_task(request(runtime, alice, connection))
            await somebody_waits(runtime)
        ended = await until(runtime, await asking, SyncStatus.FINISHED, SyncStatus.FAILED)
    assert ended.status is SyncStatus.FINISHED


async def somebody_waits(runtime: Runtime) -> None:
    """Wait until a transaction waits for another's lock."""
    async with asyncio.timeout(10), runtime.database.reading() as tx:
        while not await tx.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.02)


async def retype(runtime: Runtime, tenant: Tenant, connection: Connection, **typed: str) -> None:
    """Other credentials for a connection to a sandbox bank."""
    async with runtime.database.transaction() as tx:
        await _retype(tx, runtime, tenant, connection, **typed)


async def _retype(tx: Tx, runtime: Runtime, tenant: Tenant, connection: Connection, **typed: str) -> None:
    await connections.change_credentials(
        tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, connection, {100000: typed}
    )


async def test_there_is_nothing_to_cancel_when_nothing_runs(runtime: Runtime, alice: Tenant) -> None:
    connection = await link(runtime, alice, "fast+quiet")
    with pytest.raises(Conflict, match="no synchronisation is active"):
        async with runtime.database.transaction() as tx:
            await syncs.cancel(tx, alice.principal, connection)
