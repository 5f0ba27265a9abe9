"""Storing the transactions of one account: compared first, written only where they differ."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar
from uuid import UUID

from afflux.domain.events import IDS_PER_EVENT, EventType, NewEvent
from afflux.domain.identity import neighbourhood, prepare, provider_identity
from afflux.domain.messages import Checkpoint
from afflux.domain.reconcile import Changes, Window, reconcile, unmatched
from afflux.domain.records import TransactionRecord
from afflux.domain.syncs import Sync
from afflux.store import accounts
from afflux.store import transactions as store
from afflux.store.database import Tx

T = TypeVar("T")

#: From this many rows on, comparing them would hold up the event loop.
_MANY = 1000


@dataclass(frozen=True, slots=True)
class Batch:
    """What a connector gave of one account between two checkpoints."""

    records: Sequence[TransactionRecord]
    #: Provider keys that it called gone.
    removed: Sequence[str]
    checkpoint: Checkpoint

    @property
    def window(self) -> Window | None:
        """The days of which the provider gave everything it has."""
        first, last = self.checkpoint.complete_from, self.checkpoint.complete_to
        return None if first is None or last is None else Window(first, last, self.checkpoint.pending_only)


@dataclass(slots=True)
class Counts:
    """Rows by what became of them."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0

    def add(self, other: "Counts") -> None:
        """Count these too."""
        self.added += other.added
        self.changed += other.changed
        self.removed += other.removed
        self.unchanged += other.unchanged


async def keep(tx: Tx, sync: Sync, account_id: UUID, batch: Batch) -> Counts:
    """Make the account's rows say what the provider said; what became of them."""
    if not await accounts.lock(tx, sync, account_id):
        return Counts()
    changes = await _compare(tx, sync, account_id, batch)
    await _write(tx, sync, account_id, changes)
    if batch.checkpoint.cursor is not None:
        await accounts.set_cursor(tx, sync, account_id, batch.checkpoint.cursor)
    return Counts(len(changes.added), len(changes.changed), len(changes.removed), changes.unchanged)


async def _off_loop(size: int, work: Callable[[], T]) -> T:
    return await asyncio.to_thread(work) if size >= _MANY else work()


async def _compare(tx: Tx, sync: Sync, account_id: UUID, batch: Batch) -> Changes:
    """Settle what we hold exactly so by its hash, and reconcile the rest with the rows around it."""
    # The records are prepared while the database looks up what we hold.
    preparing = asyncio.create_task(_off_loop(len(batch.records), lambda: prepare(batch.records)))
    known = await _known(tx, sync, account_id, batch)
    incoming = await preparing
    left, around = await _off_loop(len(incoming.records), lambda: unmatched(known, incoming))
    settled = len(incoming.records) - len(left)
    named = [each.identity for each in left] + [provider_identity(key) for key in batch.removed]
    elsewhere = [identity for identity in named if identity not in known]
    if elsewhere and (known or await store.any_held(tx, sync, account_id)):
        around.update(elsewhere)
    held = await store.held(tx, sync, account_id, around) if around else []
    if not held:
        return Changes(left, [], [], settled)
    changes = await _off_loop(len(held) + len(left), lambda: reconcile(held, left, batch.window, batch.removed))
    return Changes(changes.added, changes.changed, changes.removed, changes.unchanged + settled)


async def _known(tx: Tx, sync: Sync, account_id: UUID, batch: Batch) -> dict[str, bytes]:
    days = neighbourhood(batch.records, batch.checkpoint.complete_from, batch.checkpoint.complete_to)
    return {} if days is None else await store.known(tx, sync, account_id, *days)


async def _write(tx: Tx, sync: Sync, account_id: UUID, changes: Changes) -> None:
    """Removals first and additions last, so that identities come free before they are taken."""
    added = list(zip(store.new_ids(len(changes.added)), changes.added, strict=True))
    if changes.removed:
        await store.delete(tx, sync, account_id, [gone.id for gone in changes.removed])
    if changes.changed:
        await store.update(tx, sync, account_id, [(changed.id, changed.incoming) for changed in changes.changed])
    if added:
        await store.insert(tx, sync, account_id, added)
    if days := _by_day(changes):
        await store.count_days(tx, sync, account_id, days)
    _record(tx, sync, account_id, "added", [id for id, _ in added])
    for name, rows in (("changed", changes.changed), ("removed", changes.removed)):
        for reason in sorted({row.reason for row in rows}):
            _record(tx, sync, account_id, name, [row.id for row in rows if row.reason is reason], reason)


def _by_day(changes: Changes) -> dict[date, int]:
    """By how many rows each day gains or loses."""
    days = Counter(each.record.day for each in changes.added)
    days.update(changed.incoming.record.day for changed in changes.changed)
    days.subtract([*(changed.day for changed in changes.changed), *(gone.day for gone in changes.removed)])
    return {day: count for day, count in days.items() if count}


def _record(tx: Tx, sync: Sync, account_id: UUID, change: str, ids: Sequence[UUID], reason: str | None = None) -> None:
    for some in _chunks(ids, IDS_PER_EVENT):
        data = {"account_id": account_id, change: some} | ({"reason": reason} if reason else {})
        tx.record(
            NewEvent(
                sync.application_id, EventType.TRANSACTIONS_CHANGED, sync.user_id, data, sync.connection_id, sync.id
            )
        )


def _chunks(ids: Sequence[UUID], size: int) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + size] for start in range(0, len(ids), size))
