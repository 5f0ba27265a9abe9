"""A month's movements on each account of the invented household."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import msgspec

from afflux.connectors.sandbox.draws import Draws
from afflux.connectors.sandbox.french import identity
from afflux.connectors.sandbox.months import Month
from afflux.connectors.sandbox.wordings import BILLS, EMPLOYERS, SHOPS
from afflux.domain.records import TransactionRecord, TransactionType

CURRENT = "current"
CARD = "card"
SAVINGS = "savings"
MONTHLY_SAVING = Decimal("100.00")
SAVING_DAY = 5
ZERO = Decimal("0.00")


@dataclass(slots=True, kw_only=True)
class Draft:
    """A movement before the month's movements are put in order and numbered."""

    day: date
    amount: Decimal
    type: TransactionType
    text: str
    #: The day of payment, where it is not the day of booking.
    paid: date | None = None
    counterparty: str | None = None
    counterparty_account: str | None = None
    references: Mapping[str, str] = field(default_factory=dict)
    check_number: str | None = None
    settlement_month: str | None = None

    def record(self, account: str, key: str) -> TransactionRecord:
        """Return the movement as the bank gives it."""
        raw = {"compte": account, "date": str(self.day), "montant": str(self.amount), "libelle": self.text}
        return TransactionRecord(
            account_key=account,
            key=key,
            amount=self.amount,
            currency="EUR",
            booking_date=self.day,
            value_date=self.day,
            transaction_date=self.paid or self.day,
            type=self.type,
            text=self.text,
            counterparty=self.counterparty,
            counterparty_account=self.counterparty_account,
            references=self.references,
            check_number=self.check_number,
            settlement_month=self.settlement_month,
            raw=msgspec.json.encode(raw).decode(),
        )


def current_month(seed: str, month: Month) -> list[TransactionRecord]:
    """Draw a month of the current account; its last movement brings the balance to the next month's opening."""
    drafts = [
        *_bills(seed, month),
        *_everyday(seed, month),
        _salary(seed, month),
        _to_savings(seed, month),
        _settlement(seed, month),
    ]
    rest = opening(seed, month.next) - sum((draft.amount for draft in drafts), opening(seed, month))
    if rest:
        drafts.append(_levelling(seed, month, rest))
    return _numbered(CURRENT, month, drafts)


def card_month(seed: str, month: Month) -> list[TransactionRecord]:
    """Draw a month of the deferred card; all of it is settled on the last day."""
    return _numbered(CARD, month, _card_purchases(seed, month))


def savings_month(seed: str, month: Month) -> list[TransactionRecord]:
    """Draw a month of the savings account."""
    deposit = Draft(
        day=month.day(SAVING_DAY),
        amount=MONTHLY_SAVING,
        type=TransactionType.TRANSFER,
        text="VIR PERMANENT COMPTE COURANT",
        counterparty_account=identity(seed, CURRENT).iban,
    )
    if month.month < 12:
        return _numbered(SAVINGS, month, [deposit])
    yearly = Draft(
        day=month.last_day,
        amount=interest(seed, month.year),
        type=TransactionType.INTEREST,
        text=f"INTERETS {month.year}",
    )
    return _numbered(SAVINGS, month, [deposit, yearly])


def opening(seed: str, month: Month) -> Decimal:
    """Return the balance with which the current account begins a month."""
    return Draws("opening", seed, month).money(1900, 3800)


def interest(seed: str, year: int) -> Decimal:
    """Return what the savings account earns in a year."""
    return Draws("interest", seed, year).money(20, 90)


def _bills(seed: str, month: Month) -> Iterator[Draft]:
    draws = Draws("bills", seed)
    for bill in BILLS:
        amount = draws.money(bill.low, bill.high)
        mandate = f"MD{draws.digits(10)}"
        if bill.varies:
            amount += Draws("bill", seed, month, bill.text).money(0, 9)
        yield Draft(
            day=month.day(bill.day),
            amount=-amount,
            type=TransactionType.DIRECT_DEBIT,
            text=f"PRLV SEPA {bill.text}",
            counterparty=bill.text,
            references={"mandate": mandate, "creditor": bill.creditor, "end_to_end": f"{bill.text[:4]}{month}"},
        )
    yield Draft(day=month.day(10), amount=Decimal("-2.50"), type=TransactionType.FEE, text="FRAIS TENUE DE COMPTE")


def _everyday(seed: str, month: Month) -> Iterator[Draft]:
    draws = Draws("everyday", seed, month)
    for _ in range(draws.between(9, 15)):
        yield _purchase(draws, month)
    for _ in range(draws.between(1, 2)):
        day = month.day(draws.between(1, 27))
        amount = Decimal(draws.pick((2000, 3000, 4000, 5000, 6000, 8000))).scaleb(-2)
        yield Draft(day=day, amount=-amount, type=TransactionType.CASH, text=f"RETRAIT DAB {day:%d/%m} PLACE DU MARCHE")
    if draws.below(3) == 0:
        yield _cheque(draws, month)


def _cheque(draws: Draws, month: Month) -> Draft:
    number = draws.digits(7)
    return Draft(
        day=month.day(draws.between(1, 27)),
        amount=-draws.money(15, 160),
        type=TransactionType.CHECK,
        text=f"CHEQUE N° {number}",
        check_number=number,
    )


def _purchase(draws: Draws, month: Month, settlement_month: str | None = None) -> Draft:
    shop = draws.pick(SHOPS)
    paid = month.day(draws.between(1, 25))
    return Draft(
        day=paid + timedelta(days=draws.between(1, 2)),
        paid=paid,
        amount=-draws.money(shop.low, shop.high),
        type=TransactionType.CARD,
        text=f"CARTE {paid:%d/%m} {shop.name}",
        counterparty=shop.name,
        settlement_month=settlement_month,
    )


def _salary(seed: str, month: Month) -> Draft:
    draws = Draws("income", seed)
    employer = draws.pick(EMPLOYERS)
    return Draft(
        day=month.day(27),
        amount=draws.money(2100, 3400),
        type=TransactionType.TRANSFER,
        text=f"VIR SEPA {employer} SALAIRE",
        counterparty=employer,
        counterparty_account=identity(employer).iban,
        references={"end_to_end": f"PAIE{month}"},
    )


def _to_savings(seed: str, month: Month) -> Draft:
    return Draft(
        day=month.day(SAVING_DAY),
        amount=-MONTHLY_SAVING,
        type=TransactionType.TRANSFER,
        text="VIR PERMANENT LIVRET",
        counterparty_account=identity(seed, SAVINGS).iban,
    )


def _card_purchases(seed: str, month: Month) -> list[Draft]:
    draws = Draws("card month", seed, month)
    return [_purchase(draws, month, settlement_month=str(month)) for _ in range(draws.between(6, 10))]


def _settlement(seed: str, month: Month) -> Draft:
    return Draft(
        day=month.last_day,
        amount=sum((draft.amount for draft in _card_purchases(seed, month)), ZERO),
        type=TransactionType.CARD,
        text=f"DEBIT MENSUEL CARTE {month.month:02d}/{month.year}",
    )


def _levelling(seed: str, month: Month, amount: Decimal) -> Draft:
    return Draft(
        day=month.last_day,
        amount=amount,
        type=TransactionType.TRANSFER,
        text="VIR SEPA VERS COMPTE JOINT" if amount < 0 else "VIR SEPA DEPUIS COMPTE JOINT",
        counterparty_account=identity(seed, "joint").iban,
    )


def _numbered(account: str, month: Month, drafts: list[Draft]) -> list[TransactionRecord]:
    ordered = sorted(drafts, key=lambda draft: draft.day)
    return [draft.record(account, f"{month}-{place:03d}") for place, draft in enumerate(ordered, 1)]
