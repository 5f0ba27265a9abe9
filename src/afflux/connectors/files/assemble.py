"""A reading, put together per account, as the messages a connector yields."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain

from afflux.connectors.files.gaps import gaps
from afflux.connectors.files.statement import Note, Reading, StatedAccount, Statement
from afflux.domain.messages import Checkpoint, Message, Removed, Warning
from afflux.domain.records import AccountRecord, Balance, KeyQuality, TransactionRecord

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def messages(reading: Reading) -> Iterator[Message]:
    """Accounts, then for each its transactions, what was taken back, and a checkpoint; then warnings."""
    statements, repeated = _without_repeats(_with_own_currency(reading.statements))
    accounts = _by_account(statements)
    for key, parts in accounts.items():
        yield _account(key, parts)
    for key, parts in accounts.items():
        yield from _unique(list(chain.from_iterable(part.transactions for part in parts)))
        yield from (Removed(key, gone) for part in parts for gone in part.removed)
        yield _checkpoint(key, parts)
    found = chain.from_iterable(gaps(parts) for parts in accounts.values())
    for note in (*reading.notes, *repeated, *found):
        yield Warning(note.code, note.text, note.account_key)


def _with_own_currency(statements: tuple[Statement, ...]) -> list[Statement]:
    """Accounts that share a number but not a currency (one IBAN, several pockets) get keys of their own."""
    currencies: dict[str, set[str]] = {}
    for statement in statements:
        currencies.setdefault(statement.account.key, set()).add(statement.account.currency)
    return [_pocket(part) if len(currencies[part.account.key]) > 1 else part for part in statements]


def _pocket(statement: Statement) -> Statement:
    key = f"{statement.account.key}/{statement.account.currency}"
    return replace(
        statement,
        account=replace(statement.account, key=key),
        transactions=tuple(replace(record, account_key=key) for record in statement.transactions),
    )


def _without_repeats(statements: list[Statement]) -> tuple[list[Statement], list[Note]]:
    """A copy of a statement within the same file (a duplicate sent along) does not count twice."""
    kept: list[Statement] = []
    notes: list[Note] = []
    seen: dict[tuple[object, ...], str] = {}
    for part in statements:
        content = (part.account.key, part.balances, tuple(record.raw for record in part.transactions))
        if part.opening and part.closing and part.transactions and content in seen:
            text = f"{part.place}: a copy of {seen[content]}; it was left out."
            notes.append(Note(code="skipped", text=text, account_key=part.account.key))
            continue
        seen.setdefault(content, part.place)
        kept.append(part)
    return kept, notes


def _by_account(statements: list[Statement]) -> dict[str, list[Statement]]:
    accounts: dict[str, list[Statement]] = {}
    for statement in statements:
        accounts.setdefault(statement.account.key, []).append(statement)
    return accounts


def _account(key: str, parts: list[Statement]) -> AccountRecord:
    stated = [part.account for part in parts]
    # Of two closing balances of one day, that of the later statement in the file is the later one.
    latest = max(reversed(parts), key=lambda part: part.balance_at or _LONG_AGO)
    first = stated[0]
    return AccountRecord(
        key=key,
        key_quality=first.key_quality,
        type=first.type,
        name=_name(stated),
        number=first.number,
        iban=first.iban,
        bban=first.bban,
        bic=next((account.bic for account in stated if account.bic), None),
        currency=first.currency,
        balance=latest.balance,
        balance_at=latest.balance_at if latest.balance is not None else None,
        owner=next((account.owner for account in stated if account.owner), None),
        balances=_balances(parts),
        raw=first.raw,
    )


def _name(stated: list[StatedAccount]) -> str:
    named = (account.name or account.owner for account in stated)
    return next((name for name in named if name), stated[0].number or stated[0].key)


def _balances(parts: list[Statement]) -> tuple[Balance, ...]:
    """One per kind, currency and day: of several on a day, the first opens it and the last closes it."""
    kept: dict[tuple[str, str, date], Balance] = {}
    for balance in chain.from_iterable(part.balances for part in parts):
        place = (balance.kind, balance.currency, balance.day)
        if balance.kind != "opening" or place not in kept:
            kept[place] = balance
    return tuple(sorted(kept.values(), key=lambda balance: balance.day))


def _unique(records: list[TransactionRecord]) -> Iterator[TransactionRecord]:
    """Keys that occur twice name nothing: such records are matched by their content instead."""
    counts = Counter(record.key for record in records if record.key is not None)
    for record in records:
        if record.key is not None and counts[record.key] > 1:
            yield replace(record, key=None, key_quality=KeyQuality.DERIVED)
        else:
            yield record


def _checkpoint(key: str, parts: list[Statement]) -> Checkpoint:
    """Windows that touch become one; of windows with days between them, only the latest is claimed."""
    window: tuple[date, date] | None = None
    for start, end in sorted(part.complete for part in parts if part.complete):
        touches = window and start <= window[1] + timedelta(days=1)
        window = (window[0], max(window[1], end)) if window and touches else (start, end)
    if window is None:
        return Checkpoint(account_key=key)
    return Checkpoint(account_key=key, complete_from=window[0], complete_to=window[1], pending_only=True)
