"""Decides what a bank's answer means for the rows we hold of one account. Pure: values in, changes out.

Every incoming record is one held row or a new one, never two; every held row is one record, gone, or not spoken
of. Evidence is used in this order: the provider's key, equal content, then drift (`afflux.domain.pairing`). Whether a
held row is known to be absent at the bank decides how much evidence is enough.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from afflux.domain.identity import (
    Incoming,
    Prepared,
    normalised,
    provider_identity,
    provider_key,
    strong_references,
    words,
)
from afflux.domain.movement import Movement, Pair
from afflux.domain.pairing import pair
from afflux.domain.records import TransactionStatus


@dataclass(frozen=True, slots=True)
class Held:
    """One row as we hold it."""

    id: UUID
    identity: str
    hash: bytes
    status: TransactionStatus
    day: date
    value_date: date | None
    transaction_date: date | None
    amount: Decimal
    currency: str
    text: str
    counterparty: str | None
    references: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Window:
    """The days, both included, of which the bank gave everything it has; with `pending_only`, every pending row."""

    start: date
    end: date
    pending_only: bool = False

    def covers(self, held: Held) -> bool:
        """Whether the row would be in the batch if the bank still had it."""
        spoken_of = not self.pending_only or held.status is TransactionStatus.PENDING
        return spoken_of and self.start <= held.day <= self.end


class Reason(StrEnum):
    """Why a held row changes or goes."""

    #: Details differ: same movement, richer or other description.
    CHANGED = "changed"
    #: It was pending and is booked now.
    POSTED = "posted"
    #: A booked row has another amount, day or text.
    CORRECTED = "corrected"
    #: Only the bank's name for it is another.
    REKEYED = "rekeyed"
    #: The bank no longer has the booked row, or said that this row no longer exists.
    WITHDRAWN = "withdrawn"
    #: The pending row vanished and nothing was booked for it.
    EXPIRED_PENDING = "expired_pending"


@dataclass(frozen=True, slots=True)
class Changed:
    """The held row `id` of that `day` becomes what `incoming` says, its identity and day included."""

    id: UUID
    day: date
    incoming: Incoming
    reason: Reason


@dataclass(frozen=True, slots=True)
class Gone:
    """The held row `id` of that `day` no longer exists at the bank."""

    id: UUID
    day: date
    reason: Reason


@dataclass(frozen=True, slots=True)
class Changes:
    """What to write: remove first, then change, then add.

    Identities are unique among the rows of the account once all of it is applied, not after each row: two may swap.
    """

    added: list[Incoming]
    changed: list[Changed]
    removed: list[Gone]
    #: Incoming records that are a held row as it is.
    unchanged: int


def unmatched(known: Mapping[str, bytes], incoming: Prepared) -> tuple[list[Incoming], set[str]]:
    """The fast path: leave out what we hold exactly so.

    `known` has the hash by identity of the held rows in the `neighbourhood`. Returns the records left to decide and the
    identities of the known rows left. `reconcile` gets both, and held rows elsewhere that have the identity of a record
    that is left or of a key called gone.
    """
    rows = zip(incoming.records, incoming.identities, incoming.hashes, map(known.get, incoming.identities), strict=True)
    left = [Incoming(record, identity, hash) for record, identity, hash, held in rows if held != hash]
    # Identities are unique, so as many settled records as known rows are all of them.
    if len(incoming.records) - len(left) == len(known):
        return left, set()
    return left, set(known).difference(incoming.identities) | {each.identity for each in left if each.identity in known}


def reconcile(
    held: Sequence[Held], incoming: Sequence[Incoming], window: Window | None, removed: Collection[str] = ()
) -> Changes:
    """Compare held rows with records, both without those that `unmatched` settled.

    `removed` are keys the provider called gone; one that is also among the records is there. The result does not depend
    on any order.
    """
    named_gone = {provider_identity(key) for key in removed} - {each.identity for each in incoming}
    ours = {_from_held(row, _is_absent(row, window, named_gone)): row for row in sorted(held, key=_held_order)}
    theirs = {_from_incoming(each): each for each in sorted(incoming, key=_incoming_order)}
    pairs = pair(list(ours), list(theirs))
    paired = {movement for both in pairs for movement in both}
    left = [row for movement, row in ours.items() if movement not in paired]
    gone = [Gone(row.id, row.day, _why_gone(row, named_gone)) for row in left if _is_absent(row, window, named_gone)]
    gone_ids = {row.id for row in gone}
    taken = {row.identity for row in left if row.id not in gone_ids}
    changed, unchanged = _apply(pairs, ours, theirs, taken)
    added = [_named(each, taken) for movement, each in theirs.items() if movement not in paired]
    return Changes(added, changed, gone, unchanged)


def _apply(
    pairs: Sequence[Pair], ours: Mapping[Movement, Held], theirs: Mapping[Movement, Incoming], taken: set[str]
) -> tuple[list[Changed], int]:
    wanted = {each.identity for each in theirs.values()}
    current = [(mine, other) for mine, other in pairs if not _is_stale(mine, other)]
    taken.update(ours[mine].identity for mine, other in pairs if _is_stale(mine, other))
    changed: list[Changed] = []
    for mine, other in current:
        row, each = ours[mine], theirs[other]
        # A provider's key outlives a source that gives none, or the next one that does would make a second row.
        keeps = mine.key is not None and other.key is None and row.identity not in wanted
        named = replace(each, identity=row.identity) if keeps else _named(each, taken)
        taken.add(named.identity)
        if (named.identity, each.hash) != (row.identity, row.hash):
            changed.append(Changed(row.id, row.day, named, _why_changed(mine, other)))
    return changed, len(pairs) - len(changed)


def _named(each: Incoming, taken: set[str]) -> Incoming:
    """The record with an identity of its own, also where the provider reuses the key of a row that stays."""
    identity, occurrence = each.identity, 0
    while identity in taken:
        identity = f"r:{each.hash.hex()}:{occurrence}"
        occurrence += 1
    taken.add(identity)
    return each if identity == each.identity else replace(each, identity=identity)


def _is_stale(mine: Movement, other: Movement) -> bool:
    """A booked row does not become pending again because an older, partial answer is read once more."""
    return other.pending and not mine.pending and not mine.absent


def _is_absent(row: Held, window: Window | None, named_gone: Collection[str]) -> bool:
    return row.identity in named_gone or (window is not None and window.covers(row))


def _why_gone(row: Held, named_gone: Collection[str]) -> Reason:
    expired = row.status is TransactionStatus.PENDING and row.identity not in named_gone
    return Reason.EXPIRED_PENDING if expired else Reason.WITHDRAWN


def _why_changed(mine: Movement, other: Movement) -> Reason:
    if mine.hash == other.hash:
        return Reason.REKEYED
    if mine.pending and not other.pending:
        return Reason.POSTED
    corrected = (mine.amount, mine.day, mine.text) != (other.amount, other.day, other.text)
    return Reason.CORRECTED if corrected and not other.pending else Reason.CHANGED


def _from_held(row: Held, absent: bool) -> Movement:
    return Movement(
        key=provider_key(row.identity),
        hash=row.hash,
        pending=row.status is TransactionStatus.PENDING,
        day=row.day,
        value_date=row.value_date,
        paid=row.transaction_date,
        amount=row.amount,
        currency=row.currency,
        original=None,
        text=normalised(row.text),
        words=frozenset(words(f"{row.text} {row.counterparty or ''}")),
        references=strong_references(row.references),
        absent=absent,
    )


def _from_incoming(each: Incoming) -> Movement:
    record = each.record
    original = (record.original_currency, record.original_amount)
    return Movement(
        key=provider_key(each.identity),
        hash=each.hash,
        pending=record.status is TransactionStatus.PENDING,
        day=record.day,
        value_date=record.value_date,
        paid=record.transaction_date,
        amount=record.amount,
        currency=record.currency,
        original=original if None not in original else None,
        text=normalised(record.text),
        words=frozenset(words(f"{record.text} {record.counterparty or ''}")),
        references=strong_references(record.references),
    )


def _held_order(row: Held) -> tuple[object, ...]:
    return (row.day, row.amount, row.currency, row.text, row.status, row.identity)


def _incoming_order(each: Incoming) -> tuple[object, ...]:
    record = each.record
    return (record.day, record.amount, record.currency, record.text, record.status, each.identity)
