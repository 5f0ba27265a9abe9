"""Every act on a user is on record, and no record can be edited, added or taken away unseen."""

import asyncio
from datetime import timedelta

import asyncpg
import pytest

from afflux.domain.clock import Clock
from afflux.domain.errors import Conflict
from afflux.domain.operations import OperationKind
from afflux.domain.syncs import SyncStatus
from afflux.runtime import Runtime
from afflux.services import connections, erasure, operations, suspension
from afflux.store import chain
from afflux.store import operations as store
from tests.conftest import Tenant, make_tenant
from tests.jobs.acting import current, link, request, rows_of, synchronise, until, working


async def verify(runtime: Runtime) -> tuple[int, list[str]]:
    async with runtime.database.transaction() as tx:
        return await chain.verify(tx.connection, tx.audit_key)


async def kinds(runtime: Runtime, tenant: Tenant) -> list[str]:
    async with runtime.database.reading() as tx:
        return [each.kind for each in await store.on_user(tx, tenant.application.id, tenant.user.id)]


async def lead_a_life(runtime: Runtime, tenant: Tenant) -> None:
    """Everything that goes on record, an erasure that is still pending included."""
    linked = await link(runtime, tenant, "fast")
    async with runtime.database.transaction() as tx:
        typed = {100000: {"login": "other", "password": "123456"}}
        await connections.change_credentials(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, linked, typed
        )
    async with runtime.database.transaction() as tx:
        await connections.delete(tx, tenant.principal, linked)
        await suspension.suspend(tx, tenant.principal, tenant.user, reason="asked by phone")
        await suspension.resume(tx, tenant.principal, tenant.user)
    async with runtime.database.transaction() as tx:
        await erasure.request(tx, tenant.principal, tenant.user.id, reason="leaves")


async def test_every_act_is_on_record(runtime: Runtime, alice: Tenant) -> None:
    await lead_a_life(runtime, alice)
    assert await kinds(runtime, alice) == [
        "erase", "resume", "suspend", "consent_withdrawn", "credentials_changed", "consent_given", "register",
    ]  # fmt: skip
    assert await verify(runtime) == (7, [])


@pytest.mark.parametrize(
    "column",
    [
        "id", "number", "application_id", "user_id", "kind", "status", "actor", "reason", "reason_code", "counts",
        "error_code", "error", "started_at", "ended_at", "place", "hash",
    ],
)  # fmt: skip
async def test_no_column_of_a_record_can_be_edited_unseen(runtime: Runtime, alice: Tenant, column: str) -> None:
    await lead_a_life(runtime, alice)
    ids = [row["id"] for row in await sql(runtime, "SELECT id FROM operations")]
    for id in ids:
        connection = await asyncpg.connect(runtime.dsn)
        transaction = connection.transaction()
        await transaction.start()
        assert await edit(connection, column, id)
        _, problems = await chain.verify(connection, runtime.vault.audit_key)
        assert problems
        await transaction.rollback()
        await connection.close()
    assert await verify(runtime) == (7, [])


async def edit(connection: asyncpg.Connection, column: str, id: object) -> bool:
    """Give the column of a record another value; no table says that it may not have it."""
    await connection.execute("ALTER TABLE operations ALTER number DROP IDENTITY IF EXISTS")
    for name in await connection.fetch(
        "SELECT conname FROM pg_constraint WHERE conrelid = 'operations'::regclass AND contype = 'c'"
    ):
        await connection.execute(f"ALTER TABLE operations DROP CONSTRAINT {name['conname']}")
    other = {
        "id": "gen_random_uuid()", "application_id": "gen_random_uuid()", "user_id": "gen_random_uuid()",
        "number": "number + 1000", "counts": """counts || '{"x": 1}'""", "started_at": "started_at + interval '1 us'",
        "ended_at": "coalesce(ended_at, now()) + interval '1 us'", "place": "coalesce(place, 0) + 1000",
        "hash": "sha256(hash)",
    }.get(column, f"coalesce({column}, '') || 'x'")  # fmt: skip
    return str(await connection.execute(f"UPDATE operations SET {column} = {other} WHERE id = $1", id)) == "UPDATE 1"


async def test_every_column_there_is_was_tried(runtime: Runtime) -> None:
    columns = await sql(
        runtime, "SELECT column_name AS name FROM information_schema.columns WHERE table_name = 'operations'"
    )
    mark = next(
        each for each in test_no_column_of_a_record_can_be_edited_unseen.pytestmark if each.name == "parametrize"
    )
    assert {row["name"] for row in columns} == set(mark.args[1])


async def sql(runtime: Runtime, statement: str) -> list[asyncpg.Record]:
    async with runtime.database.transaction() as tx:
        return await tx.fetch(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM operations WHERE place = 1",
        "DELETE FROM operations WHERE place = 3",
        "DELETE FROM operations WHERE place = 6",
        "DELETE FROM operations",
        "DELETE FROM operations WHERE status = 'pending'",
        "UPDATE operation_chains SET pending = 0",
        "DELETE FROM operation_chains",
        "UPDATE operation_chains SET last = last - 1",
        "UPDATE operation_chains SET first = 2, before = (SELECT hash FROM operations WHERE place = 1)",
        "UPDATE operations SET place = 1002 - place WHERE place IN (2, 3)",
        """INSERT INTO operations (id, application_id, user_id, kind, status, actor, started_at)
           SELECT gen_random_uuid(), application_id, id, 'resume', 'successful', 'user', now() FROM users""",
    ],
)
async def test_no_record_can_be_taken_away_or_put_in_unseen(runtime: Runtime, alice: Tenant, statement: str) -> None:
    await lead_a_life(runtime, alice)
    await sql(runtime, statement)
    assert (await verify(runtime))[1]


async def test_cutting_off_the_end_shows_even_with_the_hash_that_was_there(runtime: Runtime, alice: Tenant) -> None:
    await lead_a_life(runtime, alice)
    await sql(runtime, "DELETE FROM operations WHERE place = 6")
    await sql(runtime, "UPDATE operation_chains SET last = 5, hash = (SELECT hash FROM operations WHERE place = 5)")
    assert "its ends were changed" in str((await verify(runtime))[1])


async def test_records_written_at_once_all_find_their_place(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    await asyncio.gather(*(link(runtime, tenant, "fast") for tenant in (alice, bob) for _ in range(10)))
    assert await verify(runtime) == (22, [])


async def test_a_database_sealed_with_another_key_is_not_believed(runtime: Runtime, alice: Tenant) -> None:
    async with runtime.database.transaction() as tx:
        _, problems = await chain.verify(tx.connection, bytes(32))
    assert problems


async def test_records_are_kept_for_a_year(runtime: Runtime, alice: Tenant) -> None:
    await lead_a_life(runtime, alice)
    runtime.database.clock = Clock(operations.KEPT - timedelta(days=1))
    await link(runtime, await make_tenant(runtime, "late", "late@example.org"), "fast")
    await operations.clear(runtime.database)
    assert await verify(runtime) == (9, [])
    runtime.database.clock = Clock(operations.KEPT + timedelta(days=1))
    await operations.clear(runtime.database)
    assert await verify(runtime) == (3, [])
    assert await kinds(runtime, alice) == [OperationKind.ERASE], "what is pending is not over"


async def test_a_suspended_users_syncs_do_not_run(runtime: Runtime, alice: Tenant) -> None:
    done, slow = await link(runtime, alice, "fast+accounts-1"), await link(runtime, alice, "slow-30")
    asking = await link(runtime, alice, "fast+quiet+sms")
    async with working(runtime):
        await synchronise(runtime, alice, done)
        await synchronise(runtime, alice, asking)
        running = await request(runtime, alice, slow)
        await until(runtime, running, SyncStatus.RUNNING)
        async with runtime.database.transaction() as tx:
            await suspension.suspend(tx, alice.principal, alice.user)
        assert (await current(runtime, running)).status is SyncStatus.CANCELLED
        for connection in (done, slow, asking):
            with pytest.raises(Conflict, match="suspended"):
                await request(runtime, alice, connection)
        assert await sql(runtime, "SELECT id FROM syncs WHERE status IN ('pending', 'running', 'waiting')") == []
        assert await rows_of(runtime, alice), "what is held can still be read"
        async with runtime.database.transaction() as tx:
            await suspension.resume(tx, alice.principal, alice.user)
        assert (await synchronise(runtime, alice, done)).status is SyncStatus.FINISHED
