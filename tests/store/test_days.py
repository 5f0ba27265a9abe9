"""The counts by day are those of the rows, whatever became of them."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from afflux.domain.messages import Checkpoint
from afflux.domain.reconcile import Window
from afflux.domain.records import TransactionRecord
from afflux.runtime import Runtime
from afflux.services import transactions
from afflux.services.transactions import Batch
from afflux.store.database import Tx
from tests.conftest import Tenant
from tests.domain.histories import History
from tests.services.shelves import DAY, Shelf, account, movement, shelf_for

Days = dict[tuple[UUID, date], int]


async def counted(tx: Tx) -> Days:
    """Rows by account and day, as the table says."""
    rows = await tx.fetch("""
        SELECT account_id, day, through - lag(through, 1, 0) OVER (PARTITION BY account_id ORDER BY day) AS count
        FROM transaction_days
    """)
    assert all(row["count"] >= 0 for row in rows)
    return {(row["account_id"], row["day"]): row["count"] for row in rows if row["count"]}


async def there(tx: Tx) -> Days:
    """Rows by account and day, counted."""
    rows = await tx.fetch("SELECT account_id, day, count(*) FROM transactions GROUP BY account_id, day")
    return {(row["account_id"], row["day"]): row["count"] for row in rows}


async def take(
    shelf: Shelf,
    account_id: UUID,
    records: Sequence[TransactionRecord],
    window: Window | None = None,
    removed: Sequence[str] = (),
) -> None:
    """One batch of the account, stored."""
    start, end, pending_only = (window.start, window.end, window.pending_only) if window else (None, None, False)
    complete = Checkpoint(account_key="a", complete_from=start, complete_to=end, pending_only=pending_only)
    async with shelf.runtime.database.transaction() as tx:
        await transactions.keep(tx, shelf.sync, account_id, Batch(records, removed, complete))


@pytest.mark.parametrize("seed", range(20_000, 20_006))
async def test_the_counts_are_right_after_every_batch_of_a_history(runtime: Runtime, alice: Tenant, seed: int) -> None:
    shelf = await shelf_for(runtime, alice)
    account_id = await shelf.account(account("a"))
    changes = set()
    for batches in History(seed).bank.syncs():
        for batch in batches:
            records = [record for _, record in batch.records]
            await take(shelf, account_id, records, batch.window, [key for _, key in batch.removed])
            async with runtime.database.reading() as tx:
                now = await there(tx)
                assert await counted(tx) == now
            changes.add(tuple(sorted(now.items())))
    assert len(changes) > 3


async def test_a_row_that_moves_to_another_day_is_counted_there(runtime: Runtime, alice: Tenant) -> None:
    shelf = await shelf_for(runtime, alice)
    account_id = await shelf.account(account())
    await take(shelf, account_id, [movement(1), movement(2), movement(3)])
    later = DAY + timedelta(days=2)
    await take(shelf, account_id, [replace(movement(2), booking_date=later)], removed=["0000003"])
    async with runtime.database.reading() as tx:
        assert await counted(tx) == {(account_id, DAY): 1, (account_id, later): 1}
    await take(shelf, account_id, [], removed=["0000001", "0000002"])
    async with runtime.database.reading() as tx:
        assert await counted(tx) == await there(tx) == {}


async def test_writers_of_one_account_at_the_same_time_are_all_counted(runtime: Runtime, alice: Tenant) -> None:
    shelf = await shelf_for(runtime, alice)
    account_id, other = await shelf.account(account()), await shelf.account(account("other"))
    parts = [[movement(number, DAY - timedelta(days=number % 3)) for number in range(n, n + 20)] for n in range(8)]
    await asyncio.gather(*(take(shelf, id, part) for part in parts for id in (account_id, other)))
    async with runtime.database.reading() as tx:
        now = await there(tx)
        assert await counted(tx) == now
    assert sum(now.values()) == 2 * 27


async def test_what_is_rolled_back_is_not_counted(runtime: Runtime, alice: Tenant) -> None:
    shelf = await shelf_for(runtime, alice)
    account_id = await shelf.account(account())
    await take(shelf, account_id, [movement(1)])
    with contextlib.suppress(ZeroDivisionError):
        async with runtime.database.transaction() as tx:
            batch = Batch([movement(2)], ["0000001"], Checkpoint(account_key="current"))
            await transactions.keep(tx, shelf.sync, account_id, batch)
            raise ZeroDivisionError
    async with runtime.database.reading() as tx:
        assert await counted(tx) == await there(tx) == {(account_id, DAY): 1}
