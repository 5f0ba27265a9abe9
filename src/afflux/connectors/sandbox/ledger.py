"""The books of an invented household: a current account, a deferred card settled from it, and a savings account.

A month is drawn as a whole and depends on no other, so that any window and any balance costs a few months of drawing,
and a day reads the same whenever one looks at it.
"""

from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal

from afflux.connectors.sandbox.books import Book, Rows, Scene
from afflux.connectors.sandbox.draws import Draws
from afflux.connectors.sandbox.french import BIC, identity, masked_card
from afflux.connectors.sandbox.months import Month
from afflux.connectors.sandbox.movements import (
    CARD,
    CURRENT,
    MONTHLY_SAVING,
    SAVING_DAY,
    SAVINGS,
    ZERO,
    card_month,
    current_month,
    interest,
    opening,
    savings_month,
)
from afflux.connectors.sandbox.wordings import OWNERS
from afflux.domain.records import AccountRecord, AccountType, TransactionRecord

SAVING_SINCE = 2015

MonthOfRows = Callable[[str, Month], list[TransactionRecord]]


def household(scene: Scene) -> list[Book]:
    """Return the three accounts."""
    owner = Draws("household", scene.seed).pick(OWNERS)
    card = AccountRecord(
        key=CARD,
        type=AccountType.DEFERRED_CARD,
        name="Carte à débit différé",
        number=masked_card(scene.seed),
        currency="EUR",
        owner=owner,
        parent_key=CURRENT,
    )
    current = _account(scene, owner, CURRENT, AccountType.CURRENT, "Compte courant", _current_balance(scene))
    savings = _account(scene, owner, SAVINGS, AccountType.SAVINGS, "Livret", _savings_balance(scene))
    return [
        Book(current, _by_month(scene, current_month)),
        Book(card, _by_month(scene, card_month)),
        Book(savings, _by_month(scene, savings_month)),
    ]


def _account(scene: Scene, owner: str, key: str, type_: AccountType, name: str, balance: Decimal) -> AccountRecord:
    written = identity(scene.seed, key)
    return AccountRecord(
        key=key,
        type=type_,
        name=name,
        number=written.number,
        iban=written.iban,
        bban=written.bban,
        bic=BIC,
        currency="EUR",
        balance=balance,
        balance_at=scene.midnight,
        owner=owner,
    )


def _current_balance(scene: Scene) -> Decimal:
    month = Month.of(scene.today)
    booked = (row.amount for row in current_month(scene.seed, month) if row.day <= scene.today)
    return sum(booked, opening(scene.seed, month))


def _savings_balance(scene: Scene) -> Decimal:
    month = Month.of(scene.today)
    deposits = (month.year - SAVING_SINCE) * 12 + month.month - (scene.today.day < SAVING_DAY)
    ended = month.year + (month.month == 12 and scene.today == month.last_day)
    earned = sum((interest(scene.seed, year) for year in range(SAVING_SINCE, ended)), ZERO)
    return MONTHLY_SAVING * deposits + earned


def _by_month(scene: Scene, draw: MonthOfRows) -> Rows:
    """Make a book's rows out of whole months; nothing is known of days to come."""

    def rows(first: date, last: date) -> Iterator[TransactionRecord]:
        end = min(last, scene.today)
        month = Month.of(first)
        while month <= Month.of(end):
            yield from (row for row in draw(scene.seed, month) if first <= row.day <= end)
            month = month.next

    return rows
