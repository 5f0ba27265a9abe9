"""Transactions (contract: section 3.6), and what is asked of their list."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum

import msgspec

from afflux.domain.records import TransactionStatus, TransactionType
from afflux.facades.oxlin.errors import bad
from afflux.facades.oxlin.wire.values import PARIS, Number, amount, epoch, maybe_midnight, midnight
from afflux.store.transaction_search import Found


class Type(StrEnum):
    """How money moved."""

    CREDIT = "CREDIT"
    DEBIT = "DEBIT"
    INTEREST = "INTEREST"
    DIVIDEND = "DIVIDEND"
    BANK_FEE = "BANK_FEE"
    DEPOSIT = "DEPOSIT"
    ATM = "ATM"
    POINT_OF_SALE = "POINT_OF_SALE"
    CREDIT_CARD_PAYMENT = "CREDIT_CARD_PAYMENT"
    INTERNAL_TRANSFER = "INTERNAL_TRANSFER"
    POTENTIAL_TRANSFER = "POTENTIAL_TRANSFER"
    CHECK = "CHECK"
    ELECTRONIC_PAYMENT = "ELECTRONIC_PAYMENT"
    CASH = "CASH"
    DIRECT_DEPOSIT = "DIRECT_DEPOSIT"
    DIRECT_DEBIT = "DIRECT_DEBIT"
    REPEATING_PAYMENT = "REPEATING_PAYMENT"
    OTHER = "OTHER"


class Origin(StrEnum):
    """Where a row comes from; ours are all `TRANSACTION`."""

    ORIGINAL = "ORIGINAL"
    UPCOMING = "UPCOMING"
    TRANSACTION = "TRANSACTION"
    RECURRING = "RECURRING"
    SCHEDULED = "SCHEDULED"


class Status(StrEnum):
    """Whether it is on the statement."""

    BOOKED = "BOOKED"
    PENDING = "PENDING"
    OTHER = "OTHER"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


class Source(msgspec.Struct):
    """Who is on the other side."""

    label: str


class TransactionObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A movement on an account. Days are the second at which they begin in Paris."""

    id: str
    account_id: str
    #: In `currency`; a debit is negative.
    amount: Number
    currency: str
    type: Type
    origin: Origin
    category_id: str
    date: int
    #: Seconds since 1970.
    import_date: int
    booking_date: int | msgspec.UnsetType = msgspec.UNSET
    value_date: int | msgspec.UnsetType = msgspec.UNSET
    transaction_date: int | msgspec.UnsetType = msgspec.UNSET
    #: Seconds since 1970.
    last_update_date: int
    label: str
    notes: str
    check_number: str | None = None
    source: Source | None = None
    remittance_information: list[str]
    status: Status


_TYPES = {
    TransactionType.CARD: Type.POINT_OF_SALE,
    TransactionType.TRANSFER: Type.ELECTRONIC_PAYMENT,
    TransactionType.DIRECT_DEBIT: Type.DIRECT_DEBIT,
    TransactionType.CHECK: Type.CHECK,
    TransactionType.CASH: Type.ATM,
    TransactionType.FEE: Type.BANK_FEE,
    TransactionType.INTEREST: Type.INTEREST,
    TransactionType.DEPOSIT: Type.DEPOSIT,
}
_STATUSES = {TransactionStatus.BOOKED: Status.BOOKED, TransactionStatus.PENDING: Status.PENDING}
#: Written out: with an exponent, a short text is a number of more digits than the database takes.
_AMOUNT = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def transaction_object(found: Found) -> TransactionObject:
    """The transaction as listed and read."""
    lines = found.text.splitlines() or [""]
    return TransactionObject(
        id=str(found.number),
        account_id=str(found.account_number),
        amount=amount(found.amount),
        currency=found.currency,
        type=_type(found),
        origin=Origin.TRANSACTION,
        category_id=found.category,
        date=midnight(found.day),
        import_date=epoch(found.created_at),
        booking_date=maybe_midnight(found.booking_date),
        value_date=maybe_midnight(found.value_date),
        transaction_date=maybe_midnight(found.transaction_date),
        last_update_date=epoch(found.updated_at),
        label=found.counterparty or lines[0],
        notes="\n".join(lines),
        check_number=found.check_number,
        source=Source(found.counterparty) if found.counterparty else None,
        remittance_information=lines,
        status=_STATUSES[found.status],
    )


def _type(found: Found) -> Type:
    if found.type is TransactionType.CASH and found.amount > 0:
        return Type.CASH
    return _TYPES.get(found.type, Type.CREDIT if found.amount > 0 else Type.DEBIT)


def statuses(included: str | None, excluded: str | None) -> list[TransactionStatus] | None:
    """The core's statuses that two lists of names, separated by commas, leave; None for all. Raises `Refused`."""
    if included is None and excluded is None:
        return None
    wanted = set(Status) if included is None else _names("included_statuses", included)
    unwanted = set() if excluded is None else _names("excluded_statuses", excluded)
    return [core for core, called in _STATUSES.items() if called in wanted - unwanted]


def _names(parameter: str, text: str) -> set[Status]:
    try:
        return {Status(name) for name in text.split(",")}
    except ValueError:
        raise bad(parameter) from None


def money(parameter: str, text: str | None) -> Decimal | None:
    """The amount that a parameter names. Raises `Refused`."""
    if text is None:
        return None
    if not _AMOUNT.fullmatch(text):
        raise bad(parameter)
    return Decimal(text)


def first_day(second: int | None) -> date | None:
    """The first day that begins in Paris at this second or later."""
    if second is None:
        return None
    day = _moment(second).astimezone(PARIS).date()
    return day if midnight(day) >= second else day + timedelta(days=1)


def last_day(second: int | None) -> date | None:
    """The last day that begins in Paris at this second or before."""
    return None if second is None else _moment(second).astimezone(PARIS).date()


def moment(second: int | None) -> datetime | None:
    """The moment that a parameter names."""
    return None if second is None else _moment(second)


def _moment(second: int) -> datetime:
    """Beyond the years 1900 and 3000 there is nothing to find, and one end is like another."""
    return datetime.fromtimestamp(min(max(second, -2_208_988_800), 32_503_680_000), UTC)
