"""The event log: a reader that remembers a position never misses an event, whoever commits late."""

import asyncio
import random

from afflux.domain.events import Event, EventType, NewEvent
from afflux.runtime import Runtime
from afflux.store import events
from tests.conftest import Tenant

WRITERS, EACH = 16, 25


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
