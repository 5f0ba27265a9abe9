"""Storing the accounts a provider lists: those that differ, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

import msgspec

from afflux.domain.account_matching import HeldAccount, match_accounts
from afflux.domain.accounts import AccountStatus
from afflux.domain.events import EventType, NewEvent
from afflux.domain.records import AccountRecord, AccountType
from afflux.domain.syncs import Sync, SyncKind
from afflux.store import accounts as store
from afflux.store.database import Tx

Row = Mapping[str, Any]


@dataclass(slots=True)
class KnownAccounts:
    """The accounts of a run so far: where the transactions of a key go. None: the user deleted it here, leave it
    alone.
    """

    ids: dict[str, UUID | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Plan:
    added: list[AccountRecord]
    changed: list[tuple[Row, AccountRecord]]
    missing: list[Row]
    ids: dict[str, UUID | None]


async def load(tx: Tx, sync: Sync) -> tuple[KnownAccounts, dict[str, str]]:
    """The accounts held when a run begins, and the cursor of each, by key."""
    rows = await store.held(tx, sync)
    ids = {row["key"]: None if row["status"] == AccountStatus.DELETED else row["id"] for row in rows}
    return KnownAccounts(ids), {row["key"]: row["cursor"] for row in rows if row["cursor"]}


async def keep(
    tx: Tx, sync: Sync, channel_id: int, records: Sequence[AccountRecord], known: KnownAccounts, *, complete: bool
) -> int:
    """Store what the provider lists; the number of accounts that were added, changed or found missing.

    With `complete`, held accounts of the channel that are not listed are marked missing. A deleted account comes back
    only in the part of a sync that lists accounts.
    """
    rows = await store.held(tx, sync)
    restoring = sync.stage is SyncKind.ACCOUNTS
    plan = _plan([row for row in rows if row["channel_id"] == channel_id], records, complete, restoring)
    known.ids.update(plan.ids)
    for record in plan.added:
        known.ids[record.key] = await _add(tx, sync, channel_id, record)
    for row, record in plan.changed:
        await _change(tx, sync, channel_id, row, record)
    await _miss(tx, sync, plan.missing)
    await _link_parents(tx, sync, rows, records, known)
    await _keep_balances(tx, sync, records, known)
    return len(plan.added) + len(plan.changed) + len(plan.missing)


def digest(record: AccountRecord) -> bytes:
    """Equal for equal records."""
    return blake2b(msgspec.json.encode(record), digest_size=16).digest()


def _plan(rows: Sequence[Row], records: Sequence[AccountRecord], complete: bool, restoring: bool) -> _Plan:
    by_id = {row["id"]: row for row in rows}
    changes = match_accounts([_held(row) for row in rows], records, complete)
    changed, ids = [], {}
    for account_id, record in changes.matched:
        row = by_id[account_id]
        left_alone = row["status"] == AccountStatus.DELETED and not restoring
        ids[record.key] = None if left_alone else account_id
        if not left_alone and (bytes(row["hash"]) != digest(record) or row["status"] == AccountStatus.DELETED):
            changed.append((row, record))
    gone = [by_id[account_id] for account_id in changes.missing] if complete else []
    return _Plan(list(changes.added), changed, [row for row in gone if row["status"] == AccountStatus.ACTIVE], ids)


def _held(row: Row) -> HeldAccount:
    return HeldAccount(
        id=row["id"],
        key=row["key"],
        iban=row["iban"],
        number=row["account_number"],
        type=AccountType(row["type"]),
        currency=row["currency"],
        name=row["name"],
        owner=row["owner"],
        deleted=row["status"] == AccountStatus.DELETED,
    )


def _event(sync: Sync, type: EventType, account_id: UUID) -> NewEvent:
    data = {"account_id": account_id}
    return NewEvent(sync.application_id, type, sync.user_id, data, sync.connection_id, sync.id)


async def _add(tx: Tx, sync: Sync, channel_id: int, record: AccountRecord) -> UUID:
    account_id = uuid4()
    await store.insert(tx, sync, channel_id, account_id, record, digest(record))
    tx.record(_event(sync, EventType.ACCOUNT_ADDED, account_id))
    return account_id


async def _change(tx: Tx, sync: Sync, channel_id: int, row: Row, record: AccountRecord) -> None:
    restored = row["status"] == AccountStatus.DELETED
    shown = record if restored else await _with_newest_balance(tx, sync, row["id"], record)
    await store.update(tx, sync, channel_id, row["id"], shown, digest(record))
    tx.record(_event(sync, EventType.ACCOUNT_RESTORED if restored else EventType.ACCOUNT_CHANGED, row["id"]))


async def _with_newest_balance(tx: Tx, sync: Sync, account_id: UUID, record: AccountRecord) -> AccountRecord:
    """Statements come in any order, and some state no balance: the newest one that is known stays."""
    held = await store.by_id(tx, sync.application_id, sync.user_id, account_id)
    older = record.balance_at is not None and held.balance_at is not None and record.balance_at < held.balance_at
    if record.balance is not None and not older:
        return record
    return replace(record, balance=held.balance, balance_at=held.balance_at)


async def _miss(tx: Tx, sync: Sync, rows: Sequence[Row]) -> None:
    if rows:
        await store.mark_missing(tx, sync, [row["id"] for row in rows])
    for row in rows:
        tx.record(_event(sync, EventType.ACCOUNT_MISSING, row["id"]))


async def _link_parents(
    tx: Tx, sync: Sync, rows: Sequence[Row], records: Sequence[AccountRecord], known: KnownAccounts
) -> None:
    parents = {row["id"]: row["parent_id"] for row in rows}
    for record in records:
        child, parent = known.ids.get(record.key), known.ids.get(record.parent_key or "")
        if child is not None and parent is not None and parents.get(child) != parent:
            await store.set_parent(tx, sync, child, parent)


async def _keep_balances(tx: Tx, sync: Sync, records: Sequence[AccountRecord], known: KnownAccounts) -> None:
    for record in records:
        account_id = known.ids.get(record.key)
        if account_id is not None and record.balances:
            await store.add_balances(tx, sync, account_id, record.balances)
