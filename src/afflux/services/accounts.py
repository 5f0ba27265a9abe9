"""Storing the accounts a provider lists: those that differ, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

import msgspec

from afflux.domain.account_matching import AccountChanges, HeldAccount, match_accounts
from afflux.domain.accounts import AccountStatus
from afflux.domain.events import EventType, NewEvent
from afflux.domain.records import AccountRecord, AccountType
from afflux.domain.syncs import Sync, SyncKind
from afflux.store import accounts as store
from afflux.store.database import Tx

Row = Mapping[str, Any]


@dataclass(slots=True)
class KnownAccounts:
    """The accounts of a run so far: where the transactions of a key go. None: not ours to keep, because the user
    deleted it here or nobody asked for new ones.
    """

    ids: dict[str, UUID | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Listing:
    """What one channel lists, and what follows from it."""

    channel_id: int
    records: Sequence[AccountRecord]
    #: There are no others: what is held and not listed is missing.
    complete: bool
    #: New accounts are taken in; otherwise they are left for a sync that lists accounts.
    grows: bool = True


@dataclass(frozen=True, slots=True)
class _Plan:
    added: list[AccountRecord]
    changed: list[tuple[Row, AccountRecord]]
    #: The user deleted them, and now wants them back.
    restored: list[tuple[Row, AccountRecord]]
    #: Listed by this channel now and not before, and the other way round.
    entered: list[Row]
    left: list[Row]
    ids: dict[str, UUID | None]


async def load(tx: Tx, sync: Sync) -> tuple[KnownAccounts, dict[str, str]]:
    """The accounts held when a run begins, and the cursor of each, by key."""
    rows = await store.held(tx, sync)
    ids = {row["key"]: None if row["status"] == AccountStatus.DELETED else row["id"] for row in rows}
    return KnownAccounts(ids), {row["key"]: row["cursor"] for row in rows if row["cursor"]}


async def keep(tx: Tx, sync: Sync, listing: Listing, known: KnownAccounts) -> None:
    """Store what a channel lists.

    An account that several channels list is one; it is missing once none of them lists it. One that the user deleted
    comes back, as a new one, only in the part of a sync that lists accounts.
    """
    rows = await store.held(tx, sync)
    plan = _plan(rows, listing, restoring=sync.stage is SyncKind.ACCOUNTS)
    known.ids.update(plan.ids)
    for record in plan.added:
        known.ids[record.key] = await _add(tx, sync, listing.channel_id, record, EventType.ACCOUNT_ADDED)
    for row, record in plan.restored:
        await store.delete(tx, sync, row["id"])
        known.ids[record.key] = await _add(tx, sync, listing.channel_id, record, EventType.ACCOUNT_RESTORED)
    for row, record in plan.changed:
        await _change(tx, sync, listing.channel_id, row, record)
    await _keep_listed_by(tx, sync, listing.channel_id, plan)
    await _link_parents(tx, sync, rows, listing.records, known)
    await _keep_balances(tx, sync, listing.records, known)


def digest(record: AccountRecord) -> bytes:
    """Equal for equal records."""
    return blake2b(msgspec.json.encode(record), digest_size=16).digest()


def _plan(rows: Sequence[Row], listing: Listing, *, restoring: bool) -> _Plan:
    by_id = {row["id"]: row for row in rows}
    changes = _match(rows, listing)
    matched = [(by_id[account_id], record) for account_id, record in changes.matched]
    deleted = [(row, record) for row, record in matched if row["status"] == AccountStatus.DELETED]
    kept = [(row, record) for row, record in matched if row["status"] != AccountStatus.DELETED]
    strangers = [*([] if listing.grows else changes.added), *(record for _, record in deleted)]
    return _Plan(
        added=list(changes.added) if listing.grows else [],
        changed=[(row, record) for row, record in kept if bytes(row["hash"]) != digest(record)],
        restored=deleted if restoring else [],
        entered=[row for row, _ in kept if listing.channel_id not in row["listed_by"]],
        left=[row for id in changes.missing if listing.channel_id in (row := by_id[id])["listed_by"]],
        ids={record.key: row["id"] for row, record in kept} | {record.key: None for record in strangers},
    )


def _match(rows: Sequence[Row], listing: Listing) -> AccountChanges:
    """Any account of the connection is known by its name; one with another name has to be the channel's own."""
    named = match_accounts([_held(row) for row in rows], listing.records, False)
    if not listing.complete:
        return replace(named, missing=[])
    found = {account_id for account_id, _ in named.matched}
    own = [row for row in rows if row["id"] not in found and _is_of(row, listing.channel_id)]
    alike = match_accounts([_held(row) for row in own], named.added, True)
    return replace(alike, matched=named.matched + alike.matched)


def _is_of(row: Row, channel_id: int) -> bool:
    return channel_id in (*row["listed_by"], row["channel_id"])


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


async def _add(tx: Tx, sync: Sync, channel_id: int, record: AccountRecord, type: EventType) -> UUID:
    account_id = uuid4()
    await store.insert(tx, sync, channel_id, account_id, record, digest(record))
    tx.record(_event(sync, type, account_id))
    return account_id


async def _change(tx: Tx, sync: Sync, channel_id: int, row: Row, record: AccountRecord) -> None:
    shown = await _with_newest_balance(tx, sync, row["id"], record)
    await store.update(tx, sync, channel_id, row["id"], shown, digest(record))
    tx.record(_event(sync, EventType.ACCOUNT_CHANGED, row["id"]))


async def _with_newest_balance(tx: Tx, sync: Sync, account_id: UUID, record: AccountRecord) -> AccountRecord:
    """Statements come in any order, and some state no balance: the newest one that is known stays."""
    held = await store.by_id(tx, sync.application_id, sync.user_id, account_id)
    older = record.balance_at is not None and held.balance_at is not None and record.balance_at < held.balance_at
    if record.balance is not None and not older:
        return record
    return replace(record, balance=held.balance, balance_at=held.balance_at)


async def _keep_listed_by(tx: Tx, sync: Sync, channel_id: int, plan: _Plan) -> None:
    """Note which accounts came into the channel's list and which left it; those that no list has are missing."""
    if plan.entered:
        await store.list_by(tx, sync, channel_id, [row["id"] for row in plan.entered])
    if plan.left:
        alone = await store.unlist_by(tx, sync, channel_id, [row["id"] for row in plan.left])
        active = {row["id"] for row in plan.left if row["status"] == AccountStatus.ACTIVE}
        await _miss(tx, sync, [account_id for account_id in alone if account_id in active])


async def _miss(tx: Tx, sync: Sync, account_ids: Sequence[UUID]) -> None:
    if account_ids:
        await store.mark_missing(tx, sync, account_ids)
    for account_id in account_ids:
        tx.record(_event(sync, EventType.ACCOUNT_MISSING, account_id))


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
