"""A loan that is paid back month by month."""

from datetime import date
from decimal import Decimal

from afflux.connectors.sandbox.books import Book, Scene, fixed
from afflux.connectors.sandbox.french import BIC, identity
from afflux.connectors.sandbox.months import Month
from afflux.domain.records import AccountRecord, AccountType, TransactionRecord, TransactionType

KEY = "loan"
BORROWED, REPAYMENT = Decimal("18000.00"), Decimal("250.00")
FIRST, DAY = Month(2024, 1), 10


def loan(scene: Scene, owner: str | None) -> Book:
    """Return the account of the loan; its balance is what is still owed, as a debt."""
    rows = _repayments()
    written = identity(scene.seed, KEY)
    account = AccountRecord(
        key=KEY,
        type=AccountType.LOAN,
        name="Prêt travaux",
        number=written.number,
        bban=written.bban,
        bic=BIC,
        currency="EUR",
        balance=sum((row.amount for row in rows if row.day <= scene.today), -BORROWED),
        balance_at=scene.midnight,
        owner=owner,
    )
    return Book(account, fixed(rows))


def _repayments() -> list[TransactionRecord]:
    rows, month = [], FIRST
    for number in range(int(BORROWED / REPAYMENT)):
        rows.append(_repayment(number + 1, month.day(DAY)))
        month = month.next
    return rows


def _repayment(number: int, day: date) -> TransactionRecord:
    return TransactionRecord(
        account_key=KEY,
        key=f"repayment-{number}",
        amount=REPAYMENT,
        currency="EUR",
        booking_date=day,
        value_date=day,
        type=TransactionType.TRANSFER,
        text=f"ECHEANCE {number} PRET TRAVAUX",
    )
