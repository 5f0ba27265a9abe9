"""The books of a bank for measuring: as many accounts with as many movements as one asks for, made fast."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from afflux.connectors.sandbox.books import HISTORY_DAYS, Bank, Book, Rows, Scene
from afflux.connectors.sandbox.draws import Draws
from afflux.connectors.sandbox.french import BIC, identity
from afflux.connectors.sandbox.stamp import Stamp
from afflux.connectors.sandbox.wordings import SHOPS
from afflux.domain.records import AccountRecord, TransactionRecord, TransactionType

#: Amounts drawn for each account; a prime, so that shop and amount do not repeat together.
AMOUNTS = 997
#: The rows lie in the year before the connection was made, so that for another year each sync gives all of them again.
SPREAD_DAYS = HISTORY_DAYS - 365
TEXTS = tuple((f"CARTE {shop.name}", shop.name) for shop in SHOPS)


def bulk(accounts: int, movements: int) -> Bank:
    """Make a bank of current accounts with `movements` rows each, all from before the connection was first tried."""

    def bank(scene: Scene) -> list[Book]:
        return [_book(scene, f"current-{number:04d}", number, movements) for number in range(1, accounts + 1)]

    return bank


def _book(scene: Scene, key: str, number: int, movements: int) -> Book:
    written = identity(scene.seed, key)
    draws = Draws("amounts", scene.seed, key)
    amounts = [-draws.money(1, 120) for _ in range(min(AMOUNTS, movements))]
    account = AccountRecord(
        key=key,
        name=f"Compte courant {number}",
        number=written.number,
        iban=written.iban,
        bban=written.bban,
        bic=BIC,
        currency="EUR",
        balance=draws.money(100, 5000),
        balance_at=scene.midnight,
    )
    return Book(account, _rows(scene.linked, key, amounts, movements), whole=True, size=movements)


def _rows(linked: date, key: str, amounts: list[Decimal], movements: int) -> Rows:
    stamp = Stamp(
        TransactionRecord(account_key=key, amount=amounts[0], currency="EUR", type=TransactionType.CARD),
        *("key", "amount", "booking_date", "value_date", "transaction_date", "text", "counterparty"),
    )

    def rows(first: date, last: date) -> Iterator[TransactionRecord]:
        for number in range(SPREAD_DAYS):
            day = linked - timedelta(days=SPREAD_DAYS - number)
            if not first <= day <= last:
                continue
            for index in range(_rows_before(number, movements), _rows_before(number + 1, movements)):
                text, shop = TEXTS[index % len(TEXTS)]
                yield stamp(f"{key}-{index:07d}", amounts[index % len(amounts)], day, day, day, text, shop)

    return rows


def _rows_before(day: int, movements: int) -> int:
    return -(-day * movements // SPREAD_DAYS)
