"""What happens to the books of a sandbox bank over time.

Each behaviour takes the books as they would be and returns them as the bank shows them today. Day 0 is the day on which
the connection was first tried; what changes, changes on day 2.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import chain

from afflux.connectors.sandbox.books import Behaviour, Book, Scene, fixed
from afflux.connectors.sandbox.french import identity
from afflux.domain.records import AccountRecord, KeyQuality, TransactionRecord, TransactionStatus, TransactionType

CHANGE_DAY = 2
STILL_BALANCE = Decimal("1000.00")


def quiet(scene: Scene, books: list[Book]) -> list[Book]:
    """Take all ordinary movements away, and let every balance stand still."""
    return [replace(book, account=_still(book.account), rows=fixed(()), size=0) for book in books]


def _still(account: AccountRecord) -> AccountRecord:
    return account if account.balance is None else replace(account, balance=STILL_BALANCE)


def skipped(scene: Scene, books: list[Book]) -> list[Book]:
    """List the last account, but give no history of it."""
    return [*books[:-1], *(replace(book, closed_today=True) for book in books[-1:])]


def empty(scene: Scene, books: list[Book]) -> list[Book]:
    """List no account at all."""
    return []


@dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """How an announced purchase differs once it is booked."""

    shop: str
    key: bool = False
    date: bool = False
    text: bool = False
    amount: bool = False
    #: It is never booked.
    vanishes: bool = False


def pending(posting: Posting) -> Behaviour:
    """Announce a purchase on day 0 and book it on day 2."""

    def behaviour(scene: Scene, books: list[Book]) -> list[Book]:
        announced = _announced(scene, posting)
        if scene.day < CHANGE_DAY:
            return _with_rows(books, [announced])
        return _with_rows(books, [] if posting.vanishes else [_booked(scene, announced, posting)])

    return behaviour


def _announced(scene: Scene, posting: Posting) -> TransactionRecord:
    row = _purchase(scene, posting.shop, Decimal("-120.00"))
    return replace(row, status=TransactionStatus.PENDING, booking_date=None, value_date=None)


def _booked(scene: Scene, announced: TransactionRecord, posting: Posting) -> TransactionRecord:
    booked = scene.linked + timedelta(days=CHANGE_DAY if posting.date else 0)
    return replace(
        announced,
        status=TransactionStatus.BOOKED,
        key=f"{announced.key}-booked" if posting.key else announced.key,
        booking_date=booked,
        value_date=booked,
        transaction_date=None if posting.date else announced.transaction_date,
        text=f"FACTURE CARTE {posting.shop} 44 NANTES" if posting.text else announced.text,
        amount=Decimal("-117.35") if posting.amount else announced.amount,
    )


def twins(scene: Scene, books: list[Book]) -> list[Book]:
    """Two purchases of the same day, shop and amount."""
    one = _purchase(scene, "CAFE DES ARTS", Decimal("-2.40"))
    return _with_rows(books, [one, replace(one, key=f"{one.key}-2")])


def withdrawn(scene: Scene, books: list[Book]) -> list[Book]:
    """A booked row that the bank no longer gives from day 2 on."""
    return _with_rows(books, [_mistake(scene)] if scene.day < CHANGE_DAY else [])


def removed(scene: Scene, books: list[Book]) -> list[Book]:
    """A booked row of which the bank says on day 2 that it does not exist."""
    row = _mistake(scene)
    if scene.day < CHANGE_DAY:
        return _with_rows(books, [row])
    return [replace(books[0], removed=(row.key or "",)), *books[1:]] if books else []


def _mistake(scene: Scene) -> TransactionRecord:
    return _purchase(scene, "ENCAISSEMENT ERRONE", Decimal("-75.00"))


def late(scene: Scene, books: list[Book]) -> list[Book]:
    """A row dated ten days before day 0 that comes to light on day 2."""
    row = _purchase(replace(scene, linked=scene.linked - timedelta(days=10)), "PEAGE DE L'OUEST", Decimal("-18.30"))
    return _with_rows(books, [] if scene.day < CHANGE_DAY else [row])


def corrected(scene: Scene, books: list[Book]) -> list[Book]:
    """A booked row whose text the bank corrects on day 2."""
    row = _purchase(scene, "LIBRAIRIE L'ENCRIER", Decimal("-21.90"))
    return _with_rows(books, [row if scene.day < CHANGE_DAY else replace(row, text=f"{row.text} (RECTIFIE)")])


def foreign(scene: Scene, books: list[Book]) -> list[Book]:
    """A purchase in dollars, and the fee for it."""
    row = replace(
        _purchase(scene, "HARBOR DINER BOSTON", Decimal("-46.12")),
        original_amount=Decimal("-50.00"),
        original_currency="USD",
    )
    fee = replace(
        _purchase(scene, "HORS ZONE EURO", Decimal("-1.29")), type=TransactionType.FEE, text="FRAIS HORS ZONE EURO"
    )
    return _with_rows(books, [row, fee])


def repeated(scene: Scene, books: list[Book]) -> list[Book]:
    """One purchase that the bank lists twice under the same key, as pages that overlap do."""
    row = _purchase(scene, "TRAINS REGIONAUX", Decimal("-33.00"))
    return [replace(book, rows=_chained(book, [row, row])) if book is books[0] else book for book in books]


def renumbered(scene: Scene, books: list[Book]) -> list[Book]:
    """From day 2 the first account has a new number, and a new key with it."""
    if scene.day < CHANGE_DAY or not books:
        return books
    new = identity(scene.seed, "renumbered")
    key = f"{books[0].account.key}-2"
    account = replace(books[0].account, key=key, number=new.number, bban=new.bban, iban=new.iban)
    return [_rekeyed(books[0], account), *(_reparented(book, books[0].account.key, key) for book in books[1:])]


def rekeyed(scene: Scene, books: list[Book]) -> list[Book]:
    """From day 2 the bank's key of the first account is another, and nothing else."""
    if scene.day < CHANGE_DAY or not books:
        return books
    key = f"{books[0].account.key}-2"
    first = _rekeyed(books[0], replace(books[0].account, key=key))
    return [first, *(_reparented(book, books[0].account.key, key) for book in books[1:])]


def _rekeyed(book: Book, account: AccountRecord) -> Book:
    return replace(_each_row(book, lambda row, _: replace(row, account_key=account.key)), account=account)


def _reparented(book: Book, old: str, new: str) -> Book:
    if book.account.parent_key != old:
        return book
    return replace(book, account=replace(book.account, parent_key=new))


def closed(scene: Scene, books: list[Book]) -> list[Book]:
    """From day 2 the last account is listed as closed, and empty."""
    if scene.day < CHANGE_DAY or not books:
        return books
    account = replace(books[-1].account, closed=True, balance=Decimal("0.00"))
    return [*books[:-1], replace(books[-1], account=account)]


def vanished(scene: Scene, books: list[Book]) -> list[Book]:
    """From day 2 the last account is no longer listed."""
    return books if scene.day < CHANGE_DAY else books[:-1]


def opened(scene: Scene, books: list[Book]) -> list[Book]:
    """From day 2 there is one account more."""
    if scene.day < CHANGE_DAY or not books:
        return books
    new = identity(scene.seed, "opened")
    account = replace(
        books[0].account,
        key="opened",
        name="Second compte courant",
        number=new.number,
        bban=new.bban,
        iban=new.iban,
        balance=Decimal("0.00"),
    )
    return [*books, Book(account, fixed(()))]


def no_keys(scene: Scene, books: list[Book]) -> list[Book]:
    """Rows come without any key."""
    return [_each_row(book, lambda row, _: replace(row, key=None, key_quality=KeyQuality.POSITIONAL)) for book in books]


def unstable_keys(scene: Scene, books: list[Book]) -> list[Book]:
    """Rows have another key in each sync, although the bank calls it its own."""
    return [_each_row(book, lambda row, _: replace(row, key=f"{row.key}-run-{scene.run}")) for book in books]


def positional_keys(scene: Scene, books: list[Book]) -> list[Book]:
    """A row's key is its place in the answer."""
    quality = KeyQuality.POSITIONAL
    return [_each_row(book, lambda row, place: replace(row, key=str(place), key_quality=quality)) for book in books]


def _each_row(book: Book, change: Callable[[TransactionRecord, int], TransactionRecord]) -> Book:
    def rows(first: date, last: date) -> Iterator[TransactionRecord]:
        return (change(row, place) for place, row in enumerate(book.rows(first, last), 1))

    return replace(book, rows=rows)


def _with_rows(books: list[Book], extra: list[TransactionRecord]) -> list[Book]:
    """Add rows to the first account, and what is booked of them to its balance."""
    if not books:
        return books
    first = books[0]
    moved = sum((row.amount for row in extra if row.status is TransactionStatus.BOOKED), Decimal("0.00"))
    account = replace(first.account, balance=(first.account.balance or Decimal("0.00")) + moved)
    return [replace(first, account=account, rows=_chained(first, extra)), *books[1:]]


def _chained(book: Book, extra: Iterable[TransactionRecord]) -> Callable[[date, date], Iterator[TransactionRecord]]:
    added = fixed([replace(row, account_key=book.account.key) for row in extra])
    return lambda first, last: chain(book.rows(first, last), added(first, last))


def _purchase(scene: Scene, shop: str, amount: Decimal) -> TransactionRecord:
    """A purchase of day 0, booked at once."""
    day = scene.linked
    return TransactionRecord(
        account_key="",
        key=f"{day:%Y%m%d}-{shop.replace(' ', '-').lower()}",
        amount=amount,
        currency="EUR",
        booking_date=day,
        value_date=day,
        transaction_date=day,
        type=TransactionType.CARD,
        text=f"CARTE {day:%d/%m} {shop}",
        counterparty=shop,
    )
