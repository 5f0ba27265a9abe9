"""What is over is forgotten."""

from datetime import timedelta

from afflux.runtime import Runtime
from afflux.services import retention
from tests.facades.digime.calling import Consumer
from tests.facades.digime.test_oauth import age


async def counts(runtime: Runtime) -> list[int]:
    async with runtime.database.transaction() as tx:
        tables = ("nonces", "library_sessions", "consent_visits")
        return [await tx.value(f"SELECT count(*) FROM {table}") for table in tables]


async def test_nonces_and_sessions_go_when_they_are_over(runtime: Runtime, reader: Consumer) -> None:
    await reader.authorize()
    await retention.clear(runtime.database, runtime.settings)
    assert await counts(runtime) == [1, 1, 1]
    await age(runtime, "nonces", "expires_at", timedelta(seconds=600))
    await retention.clear(runtime.database, runtime.settings)
    assert await counts(runtime) == [0, 1, 1]
    await age(runtime, "library_sessions", "expires_at", timedelta(hours=2))
    await retention.clear(runtime.database, runtime.settings)
    assert await counts(runtime) == [0, 0, 0]
