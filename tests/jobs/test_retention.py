"""What the worker clears away by itself."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from afflux.domain.applications import Facade
from afflux.domain.connect_sessions import ConnectAction, Wish
from afflux.domain.events import EventType, NewEvent
from afflux.runtime import Runtime
from afflux.services import connect_sessions
from tests.conftest import Tenant
from tests.jobs.acting import events_of, working

#: More than one batch.
MANY = 2500


async def grow_old(runtime: Runtime, tenant: Tenant) -> None:
    """A long log, all but the last events of which are from before the time that is kept."""
    for count, days in ((MANY, 31), (3, 29)):
        async with runtime.database.transaction() as tx:
            for _ in range(count):
                tx.record(NewEvent(tenant.application.id, EventType.SYNC_PROGRESSED, tenant.user.id))
        async with runtime.database.transaction() as tx:
            await tx.execute(
                "UPDATE events SET created_at = $1 WHERE created_at > $2",
                tx.now - timedelta(days=days),
                tx.now - timedelta(days=1),
            )


async def invite(runtime: Runtime, tenant: Tenant) -> None:
    async with runtime.database.transaction() as tx:
        wish = Wish(action=ConnectAction.SYNC)
        await connect_sessions.create(tx, runtime.registry, tenant.principal, tenant.user.id, Facade.ISWIGO, wish)


async def sessions(runtime: Runtime) -> int:
    async with runtime.database.reading() as tx:
        return int(await tx.value("SELECT count(*) FROM connect_sessions"))


async def until(number: int, count: Callable[[], Awaitable[int]]) -> None:
    """Wait for a count to become `number`."""
    async with asyncio.timeout(20):
        while await count() != number:
            await asyncio.sleep(0.02)


async def test_the_worker_clears_old_events_and_keeps_the_others(runtime: Runtime, alice: Tenant) -> None:
    await grow_old(runtime, alice)

    async def held() -> int:
        return len(await events_of(runtime, alice))

    assert await held() == 1 + MANY + 3
    async with working(runtime):
        await until(3, held)
    assert [event.position for event in await events_of(runtime, alice)] == [MANY + 2, MANY + 3, MANY + 4]


async def test_the_worker_clears_sessions_that_are_over(runtime: Runtime, alice: Tenant) -> None:
    for _ in range(3):
        await invite(runtime, alice)
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE connect_sessions SET expires_at = $1", tx.now)
    await invite(runtime, alice)
    async with working(runtime):
        await until(1, lambda: sessions(runtime))
