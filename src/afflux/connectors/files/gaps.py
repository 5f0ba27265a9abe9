"""Does a statement add up? Rows that a bank or a download lost show as a gap between its balances."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise

from afflux.connectors.files.statement import Note, Statement
from afflux.domain.records import Balance, TransactionStatus


def gaps(parts: list[Statement]) -> Iterator[Note]:
    """Gaps within the statements of one account, and between one statement and the next."""
    bounded = _in_order([part for part in parts if part.opening and part.closing])
    for part in bounded:
        yield from _within(part)
    for earlier, later in pairwise(bounded):
        yield from _between(earlier, later)


def _in_order(parts: list[Statement]) -> list[Statement]:
    """By day; pages of one day keep the order of the file, which may run backwards."""
    days = [_days(part) for part in parts]
    backwards = len(days) > 1 and days == sorted(days, reverse=True) and days[0] != days[-1]
    return sorted(reversed(parts) if backwards else parts, key=_days)


def _days(part: Statement) -> tuple[int, int]:
    ends = [balance.day.toordinal() for balance in (part.opening, part.closing) if balance]
    return ends[0], ends[-1]


def _within(part: Statement) -> Iterator[Note]:
    opening, closing = part.opening, part.closing
    if opening is None or closing is None or not _one_currency(part, opening, closing):
        return
    booked = (record.amount for record in part.transactions if record.status is TransactionStatus.BOOKED)
    expected = opening.amount + sum(booked, Decimal(0))
    if expected != closing.amount:
        what = f"the opening balance and the entries give {expected:f}, but the closing balance is {closing.amount:f}"
        yield _gap(part, what)


def _one_currency(part: Statement, opening: Balance, closing: Balance) -> bool:
    return {opening.currency} == {closing.currency, *(record.currency for record in part.transactions)}


def _between(earlier: Statement, later: Statement) -> Iterator[Note]:
    closing, opening = earlier.closing, later.opening
    if closing and opening and closing.currency == opening.currency and closing.amount != opening.amount:
        what = f"it opens with {opening.amount:f}, but {earlier.place} closed with {closing.amount:f}"
        yield _gap(later, what)


def _gap(part: Statement, what: str) -> Note:
    account = part.account
    text = f"Account {account.number or account.key}, {part.place}: {what} {account.currency}; entries may be missing."
    return Note(code="statement_gap", text=text, account_key=account.key)
