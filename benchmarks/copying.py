"""The yardstick of the first sync: PostgreSQL's own COPY."""

import time
from collections.abc import Sequence
from uuid import UUID, uuid4

from afflux.domain.identity import prepare
from afflux.domain.records import TransactionRecord
from afflux.domain.syncs import Sync
from afflux.runtime import Runtime
from afflux.store import transactions as store


async def copy_seconds(runtime: Runtime, sync: Sync, account_id: UUID, records: Sequence[TransactionRecord]) -> float:
    """Seconds that asyncpg's COPY of finished tuples takes, into the table with all its indexes and constraints."""
    rows = [(uuid4(), incoming) for incoming in prepare(records).all()]
    tuples = list(store.copied(sync, account_id, runtime.clock.now(), rows))
    async with runtime.database.pool.acquire() as connection:
        began = time.perf_counter()
        await connection.copy_records_to_table("transactions", records=tuples, columns=store.INSERTED)
        return time.perf_counter() - began


async def empty(runtime: Runtime) -> None:
    """Begin every round with the same, empty tables."""
    await runtime.database.pool.execute("TRUNCATE transactions, transaction_days")
