"""The event log: a reader that remembers a position never misses an event, whoever commits late."""

import asyncio
import random
import re
from datetime import timedelta

from afflux.domain.events import STATES_OF_A_SYNC, Event, EventType, NewEvent
from afflux.runtime import Runtime
from afflux.store import events, users
from tests.conftest import Tenant

WRITERS, EACH = 16, 25
DAY = timedelta(days=1)


async def write(runtime: Runtime, tenant: Tenant, writer: int) -> None:
    """Commit events, each from a transaction that lingers before its end."""
    dice = random.Random(writer)
    for number in range(EACH):
        async with runtime.database.transaction() as tx:
            data = {"writer": writer, "number": number}
            tx.record(NewEvent(tenant.application.id, EventType.SYNC_PROGRESSED, tenant.user.id, data))
            await tx.value("SELECT pg_sleep($1)", dice.random() * 0.02)
            await tx.flush()
            await tx.value("SELECT pg_sleep($1)", dice.random() * 0.004)


async def read(runtime: Runtime, tenant: Tenant, expected: int) -> list[Event]:
    """Follow the log with a cursor, as every reader does, until all is there."""
    seen: list[Event] = []
    while len(seen) < expected:
        async with runtime.database.transaction() as tx:
            batch = await events.after(tx.connection, tenant.application.id, seen[-1].position if seen else 0, 7)
        seen += batch
        await asyncio.sleep(0)
    return seen


async def test_a_reader_skips_no_event_of_sixteen_late_writers(runtime: Runtime, alice: Tenant) -> None:
    expected = 1 + WRITERS * EACH  # The first says that Alice was registered.
    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        reader = group.create_task(read(runtime, alice, expected))
        for writer in range(WRITERS):
            group.create_task(write(runtime, alice, writer))
    seen = reader.result()
    assert [event.position for event in seen] == list(range(1, expected + 1))
    for writer in range(WRITERS):
        assert [e.data["number"] for e in seen if e.data.get("writer") == writer] == list(range(EACH))


async def test_numbers_rise_with_positions(runtime: Runtime, alice: Tenant) -> None:
    await asyncio.gather(*(write(runtime, alice, writer) for writer in range(4)))
    async with runtime.database.transaction() as tx:
        log = await events.after(tx.connection, alice.application.id, 0, 1000)
    assert [event.number for event in log] == sorted(event.number for event in log)


async def test_a_rolled_back_transaction_leaves_no_event_and_no_gap(runtime: Runtime, alice: Tenant) -> None:
    new = NewEvent(alice.application.id, EventType.SYNC_PROGRESSED, alice.user.id)
    try:
        async with runtime.database.transaction() as tx:
            tx.record(new)
            await tx.flush()
            raise RuntimeError
    except RuntimeError:
        pass
    async with runtime.database.transaction() as tx:
        tx.record(new)
    async with runtime.database.transaction() as tx:
        log = await events.after(tx.connection, alice.application.id, 0, 10)
        assert await events.last_position(tx.connection, alice.application.id) == 2
    assert [event.position for event in log] == [1, 2]


async def test_each_application_has_a_log_of_its_own(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    async with runtime.database.transaction() as tx:
        tx.record(NewEvent(alice.application.id, EventType.SYNC_PROGRESSED, alice.user.id))
        tx.record(NewEvent(bob.application.id, EventType.SYNC_PROGRESSED, bob.user.id))
        tx.record(NewEvent(alice.application.id, EventType.SYNC_FINISHED, alice.user.id))
    async with runtime.database.transaction() as tx:
        hers = await events.after(tx.connection, alice.application.id, 1, 10)
        his = await events.after(tx.connection, bob.application.id, 1, 10)
    assert [event.type for event in hers] == [EventType.SYNC_PROGRESSED, EventType.SYNC_FINISHED]
    assert [event.type for event in his] == [EventType.SYNC_PROGRESSED]


async def grow(runtime: Runtime, tenant: Tenant, count: int, *, days_ago: float = 0.0) -> None:
    """Add events of all types in turn to the end of the log, as old as that."""
    async with runtime.database.transaction() as tx:
        last = await events.last_position(tx.connection, tenant.application.id)
        await tx.execute(
            """
            INSERT INTO events (application_id, position, id, type, user_id, data, created_at)
            SELECT $1, $2 + n, gen_random_uuid(), ($3::text[])[1 + n % $4], $5, '{}', $6::timestamptz
            FROM generate_series(1, $7::integer) AS n
            """,
            tenant.application.id,
            last,
            list(EventType),
            len(EventType),
            tenant.user.id,
            tx.now - timedelta(days=days_ago),
            count,
        )
        await tx.execute(
            "UPDATE event_heads SET position = $2 WHERE application_id = $1", tenant.application.id, last + count
        )


async def positions(runtime: Runtime, tenant: Tenant) -> list[int]:
    """What is in the log."""
    async with runtime.database.reading() as tx:
        return [event.position for event in await events.after(tx.connection, tenant.application.id, 0, 100_000)]


async def test_pages_of_states_hold_each_state_once_newest_first(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    await grow(runtime, alice, 300)
    await grow(runtime, bob, 300)
    async with runtime.database.reading() as tx:
        log = await events.after(tx.connection, alice.application.id, 0, 1000)
        expected = [event for event in reversed(log) if event.type in STATES_OF_A_SYNC]
        pages = [
            await events.page_of_states(tx.connection, alice.application.id, tx.now - DAY, first, 7)
            for first in range(0, len(expected) + 7, 7)
        ]
    assert {total for total, _ in pages} == {len(expected)}
    assert [event for _, page in pages for event in page] == expected
    assert pages[-1] == (len(expected), [])


async def test_states_are_counted_and_skipped_without_reading_a_row(runtime: Runtime, alice: Tenant) -> None:
    await grow(runtime, alice, 20_000)
    asked = asyncio.get_running_loop().create_future()
    async with runtime.database.pool.acquire() as connection:
        # What may still be lost is not seen by all. ANALYZE waits here for the disk, with all that was written before.
        await connection.execute("SET synchronous_commit TO on")
        await connection.execute("ANALYZE events")
        await connection.execute("VACUUM events")
        with connection.query_logger(asked.set_result):
            await events.page_of_states(connection, alice.application.id, runtime.clock.now() - DAY, 5000, 20)
        query = await asked
        plan = "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {query.query}", *query.args))
    assert len(re.findall(r"Index Only Scan.* using events_of_syncs", plan)) == 3, plan
    assert "Seq Scan" not in plan, plan


async def test_old_events_go_oldest_first_and_their_positions_with_them(
    runtime: Runtime, alice: Tenant, bob: Tenant
) -> None:
    await grow(runtime, alice, 10, days_ago=40)
    await grow(runtime, bob, 10, days_ago=35)
    await grow(runtime, alice, 5)
    async with runtime.database.transaction() as tx:
        assert await events.delete_before(tx.connection, tx.now - 30 * DAY, 12) == 12
    assert len(await positions(runtime, alice)) == 1 + 5
    assert len(await positions(runtime, bob)) == 1 + 8
    async with runtime.database.transaction() as tx:
        assert await events.delete_before(tx.connection, tx.now - 30 * DAY, 12) == 8
        assert await events.delete_before(tx.connection, tx.now - 30 * DAY, 12) == 0
        tx.record(NewEvent(alice.application.id, EventType.SYNC_FINISHED, alice.user.id))
    assert await positions(runtime, alice) == [1, *range(12, 18)]


async def test_nobody_waits_for_old_events_to_go(runtime: Runtime, alice: Tenant, bob: Tenant) -> None:
    """While some are being deleted, new ones are written, other workers delete others, and a user can be erased."""
    await grow(runtime, alice, 10, days_ago=40)
    await grow(runtime, bob, 10, days_ago=35)
    async with asyncio.timeout(20), runtime.database.transaction() as first:
        assert await events.delete_before(first.connection, first.now - 30 * DAY, 10) == 10
        async with runtime.database.transaction() as writer:
            writer.record(NewEvent(alice.application.id, EventType.SYNC_FINISHED, alice.user.id))
        async with runtime.database.transaction() as second:
            assert await events.delete_before(second.connection, second.now - 30 * DAY, 100) == 10
        async with runtime.database.transaction() as eraser:
            assert await users.delete(eraser, bob.application.id, bob.user.id) == 1
    assert await positions(runtime, alice) == [1, 12]
