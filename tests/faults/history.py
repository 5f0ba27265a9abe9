"""The history checker: what must be true of a server's data, whatever happened to its processes."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from afflux.domain.events import Event, EventType
from afflux.domain.syncs import Sync
from afflux.runtime import Runtime
from afflux.store import events
from afflux.store import syncs as sync_store
from afflux.store.database import Tx
from tests.faults.people import Link, another_user, answering, ended, linked, patiently, requested

TERMINAL = {EventType.SYNC_FINISHED, EventType.SYNC_FAILED, EventType.SYNC_CANCELLED}


@dataclass(frozen=True)
class Holding:
    """What is held of one connection: ids, and the same as facts that do not depend on them."""

    accounts: dict[UUID, tuple[object, ...]]
    rows: dict[UUID, tuple[object, ...]]
    documents: dict[UUID, tuple[object, ...]]

    @property
    def facts(self) -> tuple[Counter[object], Counter[object], Counter[object]]:
        """Three multisets."""
        return Counter(self.accounts.values()), Counter(self.rows.values()), Counter(self.documents.values())


async def held(tx: Tx, link: Link) -> Holding:
    """What the server holds of the connection."""
    accounts = await tx.fetch(
        "SELECT id, account_number, name, type, balance, status, cursor FROM accounts WHERE connection_id = $1",
        link.connection.id,
    )
    rows = await tx.fetch(
        """
        SELECT held.id, account_number, day, amount, held.currency, text, held.status, counterparty
        FROM transactions AS held JOIN accounts ON accounts.id = account_id WHERE connection_id = $1
        """,
        link.connection.id,
    )
    documents = await tx.fetch(
        "SELECT id, key, name, type, size, amount FROM documents WHERE connection_id = $1", link.connection.id
    )
    return Holding(*({row[0]: tuple(row)[1:] for row in found} for found in (accounts, rows, documents)))


async def log(tx: Tx, application_id: UUID) -> list[Event]:
    """The whole event log."""
    return await events.after(tx.connection, application_id, 0, 1_000_000)


async def check_history(runtime: Runtime, links: Sequence[Link], asked: Sequence[Sync]) -> list[Sync]:
    """Check everything about these connections of one application, each synchronised once; the syncs as they ended.

    The same logins are synchronised again by users whom nothing disturbs, and must have brought the same.
    """
    await check_log(runtime, links)
    over = [await _ended(runtime, sync) for sync in asked]
    calm, references = await _undisturbed(runtime, links)
    for link, sync, other, reference in zip(links, over, calm, references, strict=True):
        outcome = (link.login, sync.status, sync.error_code)
        assert outcome == (link.login, reference.status, reference.error_code), (sync, reference)
        mine, theirs = await _holding(runtime, link), await _holding(runtime, other)
        for got, wanted in zip(mine.facts, theirs.facts, strict=True):
            assert got == wanted, (link.login, "lost", wanted - got, "doubled", got - wanted)
    return over


async def check_log(runtime: Runtime, links: Sequence[Link]) -> None:
    """Check the event log of the application against itself and against what is held."""
    facts = await patiently(runtime, lambda tx: log(tx, links[0].tenant.application.id))
    assert [event.position for event in facts] == list(range(1, len(facts) + 1))
    by_sync: defaultdict[UUID, list[Event]] = defaultdict(list)
    for event in facts:
        if event.sync_id is not None:
            by_sync[event.sync_id].append(event)
    for story in by_sync.values():
        check_story(story)
    assert await patiently(runtime, miscounted) == []
    for link in links:
        check_holding([e for e in facts if e.connection_id == link.connection.id], await _holding(runtime, link))


async def miscounted(tx: Tx) -> list[UUID]:
    """Accounts whose counts up to each day are not those of their rows."""
    rows = await tx.fetch(
        """
        SELECT DISTINCT account_id FROM (
            SELECT account_id, through, (
                SELECT count(*) FROM transactions AS held
                WHERE held.account_id = days.account_id AND held.day <= days.day
            ) AS there FROM transaction_days AS days
            UNION ALL
            SELECT account_id, 0, 1 FROM transactions AS held WHERE NOT EXISTS (
                SELECT FROM transaction_days AS days WHERE days.account_id = held.account_id AND days.day = held.day
            )
        ) AS counted WHERE through <> there
        """
    )
    return [row["account_id"] for row in rows]


def check_story(story: Sequence[Event]) -> None:
    """A sync is asked for once, first of all, and ends once, last of all; each stage begins once, and each channel has
    one outcome in it; every run has a higher fence.
    """
    types = [event.type for event in story]
    assert types.count(EventType.SYNC_REQUESTED) == 1, types
    assert types[0] is EventType.SYNC_REQUESTED, types
    assert sum(type in TERMINAL for type in types) == 1, types
    assert types[-1] in TERMINAL, types
    once = [
        (event.type, event.data.get("stage"), event.data.get("channel_id"))
        for event in story
        if event.type in (EventType.SYNC_ENTERED, EventType.CHANNEL_SUCCEEDED, EventType.CHANNEL_FAILED)
    ]
    assert len(once) == len(set(once)), once
    fences = [event.data["attempt"] for event in story if event.type is EventType.SYNC_STARTED]
    assert fences == sorted(set(fences)), fences


def check_holding(story: Sequence[Event], holding: Holding) -> None:
    """Each row, account and document was announced exactly once, and what was announced is there."""
    _same("transaction", _ids(story, "added"), _ids(story, "removed"), holding.rows)
    for type, key, present in (
        (EventType.ACCOUNT_ADDED, "account_id", holding.accounts),
        (EventType.DOCUMENT_ADDED, "document_id", holding.documents),
    ):
        _same(key, [UUID(event.data[key]) for event in story if event.type is type], [], present)


def _ids(story: Sequence[Event], change: str) -> list[UUID]:
    changes = [event.data.get(change, ()) for event in story if event.type is EventType.TRANSACTIONS_CHANGED]
    return [UUID(id) for ids in changes for id in ids]


def _same(what: str, added: list[UUID], removed: list[UUID], present: dict[UUID, tuple[object, ...]]) -> None:
    assert len(added) == len(set(added)), f"a {what} was announced twice"
    assert set(added) - set(removed) == present.keys(), f"{what}: announced and held differ"


async def _holding(runtime: Runtime, link: Link) -> Holding:
    return await patiently(runtime, lambda tx: held(tx, link))


async def _ended(runtime: Runtime, sync: Sync) -> Sync:
    now = await patiently(runtime, lambda tx: sync_store.by_id(tx, sync.application_id, sync.id))
    assert not now.status.active, now
    return now


async def _undisturbed(runtime: Runtime, links: Sequence[Link]) -> tuple[list[Link], list[Sync]]:
    """The same logins, in the hands of one new user, synchronised in peace."""
    first = links[0].tenant
    someone = await another_user(runtime, first, "calm@example.org")
    calm = [await linked(runtime, someone, link.provider, link.login) for link in links]
    async with answering(runtime, calm):
        asked = await asyncio.gather(*(requested(runtime, link) for link in calm))
        return calm, await ended(runtime, asked)
