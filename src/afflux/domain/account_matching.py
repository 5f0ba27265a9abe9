"""Decides which accounts of a provider's list are which of those we hold. Pure and independent of any order."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from afflux.domain.records import AccountRecord, AccountType, KeyQuality


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldAccount:
    """One account as we hold it."""

    id: UUID
    key: str
    iban: str | None = None
    number: str = ""
    type: AccountType
    currency: str
    name: str
    owner: str | None = None
    #: Deleted by us or by the user; found again by its key only.
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class AccountChanges:
    """What a list of accounts means for those we hold."""

    #: Held account and the record it is now; the key may be a new one.
    matched: list[tuple[UUID, AccountRecord]]
    added: list[AccountRecord]
    #: Held, not deleted, and not in the list; means something only when the list is complete.
    missing: list[UUID]


#: Digits that a number needs to name an account.
_DIGITS = 6

_Found = list[tuple[HeldAccount, AccountRecord]]
_Side = HeldAccount | AccountRecord
_T = TypeVar("_T", HeldAccount, AccountRecord)


def match_accounts(held: Sequence[HeldAccount], incoming: Sequence[AccountRecord], complete: bool) -> AccountChanges:
    """Match by key, then IBAN, then number; in a complete list also one missing with one new account that look alike.

    An IBAN or a number names an account only where one held and one listed account have it: sub-accounts may share it,
    and are then told apart by their currency and type, or not at all. A record listed twice under one key counts once.
    """
    ours = sorted(held, key=lambda account: (account.deleted, account.key, account.id))
    theirs = _listed_once(incoming)
    matched: _Found = []
    for name_of in _NAMES if complete else _NAMES[:-1]:
        found = _named_alike(ours, theirs, name_of)
        matched += found
        known = {account.id for account, _ in found}
        listed = {record.key for _, record in found}
        ours = [account for account in ours if account.id not in known]
        theirs = [record for record in theirs if record.key not in listed]
    pairs = [(account.id, record) for account, record in matched]
    return AccountChanges(pairs, theirs, [account.id for account in ours if not account.deleted])


def _listed_once(incoming: Iterable[AccountRecord]) -> list[AccountRecord]:
    """One record per key in the order of keys; of several always the same one."""
    ordered = sorted(incoming, key=lambda record: (record.key, repr(record)), reverse=True)
    by_key = {record.key: record for record in ordered}
    return [by_key[key] for key in sorted(by_key)]


def _named_alike(
    held: Sequence[HeldAccount], incoming: Sequence[AccountRecord], name_of: Callable[[_Side], Hashable]
) -> _Found:
    """Pairs under a name that exactly one account on each side has."""
    ours = _grouped(held, name_of)
    theirs = _grouped(incoming, name_of)
    return [
        (ours[name][0], records[0])
        for name, records in theirs.items()
        if len(records) == 1 and name in ours and (len(ours[name]) == 1 or name_of is _key)
    ]


def _grouped(accounts: Iterable[_T], name_of: Callable[[_Side], Hashable]) -> dict[Hashable, list[_T]]:
    groups: defaultdict[Hashable, list[_T]] = defaultdict(list)
    for account in accounts:
        name = name_of(account)
        if name is not None:
            groups[name].append(account)
    return groups


def _key(account: _Side) -> Hashable:
    is_place = isinstance(account, AccountRecord) and account.key_quality is KeyQuality.POSITIONAL
    return None if is_place else account.key


def _place(account: _Side) -> Hashable:
    """A key that is only a place in a list names an account when nothing better does, and its kind is the same."""
    return None if _is_deleted(account) else (account.key, account.currency, account.type)


def _iban(account: _Side) -> Hashable:
    iban = None if _is_deleted(account) else _compact(account.iban or "")
    return iban and (iban, account.currency)


def _iban_of_kind(account: _Side) -> Hashable:
    iban = _iban(account)
    return iban and (iban, account.type)


def _number_of_kind(account: _Side) -> Hashable:
    number = None if _is_deleted(account) else _compact(account.number)
    # Four digits of a masked card are not a name.
    if number is None or sum(map(str.isdigit, number)) < _DIGITS:
        return None
    return (number, account.currency, account.type)


def _looks(account: _Side) -> Hashable:
    """All that is left when a provider renumbers an account."""
    if _is_deleted(account):
        return None
    return (account.type, account.currency, account.name.casefold().strip(), (account.owner or "").casefold().strip())


def _is_deleted(account: _Side) -> bool:
    return isinstance(account, HeldAccount) and account.deleted


def _compact(number: str) -> str | None:
    return "".join(number.split()).upper() or None


#: Strongest first; the last one only where the list is complete.
_NAMES: tuple[Callable[[_Side], Hashable], ...] = (_key, _iban_of_kind, _iban, _number_of_kind, _place, _looks)
