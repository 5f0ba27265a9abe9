"""What a connector tells us about a provider's data, before it is compared with what we hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum


class KeyQuality(StrEnum):
    """How far a record's `key` can be trusted to name the same thing next time."""

    #: The provider's own identifier, stable between fetches.
    PROVIDER = "provider"
    #: Computed by the connector from the content.
    DERIVED = "derived"
    #: No better than the place in a list.
    POSITIONAL = "positional"


class AccountType(StrEnum):
    """The kinds of account every dialect can name."""

    CURRENT = "current"
    SAVINGS = "savings"
    CARD = "card"
    DEFERRED_CARD = "deferred_card"
    LOAN = "loan"
    SECURITIES = "securities"
    OTHER = "other"


class TransactionStatus(StrEnum):
    """`PENDING` is announced and may still change or vanish; `BOOKED` is on the statement."""

    BOOKED = "booked"
    PENDING = "pending"


class TransactionType(StrEnum):
    """How money moved, as far as the provider says so."""

    CARD = "card"
    TRANSFER = "transfer"
    DIRECT_DEBIT = "direct_debit"
    CHECK = "check"
    CASH = "cash"
    FEE = "fee"
    INTEREST = "interest"
    DEPOSIT = "deposit"
    OTHER = "other"


class DocumentType(StrEnum):
    """What a document is."""

    INVOICE = "invoice"
    STATEMENT = "statement"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class Balance:
    """A balance as the provider states it, for the end (or start, by `kind`) of a day."""

    #: `booked`, `available`, `opening` or `closing`.
    kind: str
    amount: Decimal
    currency: str
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """One account as the provider lists it."""

    #: The same on every channel of the provider.
    key: str
    key_quality: KeyQuality = KeyQuality.PROVIDER
    type: AccountType = AccountType.CURRENT
    name: str
    #: The account number as the provider prints it; masked for cards.
    number: str = ""
    iban: str | None = None
    bban: str | None = None
    bic: str | None = None
    #: ISO 4217.
    currency: str
    balance: Decimal | None = None
    #: When `balance` was true.
    balance_at: datetime | None = None
    owner: str | None = None
    is_professional: bool = False
    #: `key` of the account that this one is settled from (a deferred card's current account).
    parent_key: str | None = None
    #: The provider lists it as closed.
    closed: bool = False
    #: Every balance stated with its day, kept as history.
    balances: tuple[Balance, ...] = ()
    #: The provider's own data, untouched.
    raw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRecord:
    """One movement on an account. At least one of the three dates is given."""

    account_key: str
    key: str | None = None
    key_quality: KeyQuality = KeyQuality.PROVIDER
    status: TransactionStatus = TransactionStatus.BOOKED
    #: Signed, debit negative, in `currency`.
    amount: Decimal
    currency: str
    #: The day it counts on the statement.
    booking_date: date | None = None
    #: The day it counts for interest.
    value_date: date | None = None
    #: The day the person paid.
    transaction_date: date | None = None
    type: TransactionType = TransactionType.OTHER
    #: The provider's text, original spelling.
    text: str = ""
    counterparty: str | None = None
    counterparty_account: str | None = None
    #: References by name: `account_servicer`, `end_to_end`, `mandate`, `creditor`, `instruction`, `customer`, `bank`…
    references: Mapping[str, str] = field(default_factory=dict)
    check_number: str | None = None
    #: Amount in the currency of the purchase, where it differs.
    original_amount: Decimal | None = None
    original_currency: str | None = None
    #: Month (`YYYY-MM`) in which a deferred card's purchase is settled.
    settlement_month: str | None = None
    #: The provider's own data, untouched.
    raw: str | None = None

    @property
    def day(self) -> date:
        """The day the row is ordered and windowed by: booking, else value, else transaction date."""
        day = self.booking_date or self.value_date or self.transaction_date
        if day is None:
            raise ValueError("a transaction needs a date")
        return day


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentRecord:
    """One document, with its bytes."""

    key: str
    key_quality: KeyQuality = KeyQuality.PROVIDER
    account_key: str | None = None
    name: str
    #: Without the dot.
    extension: str
    mime: str
    type: DocumentType = DocumentType.DOCUMENT
    #: When the provider made it.
    created_at: datetime
    #: For an invoice: amount of the invoice and the day it is or was paid.
    amount: Decimal | None = None
    payment_date: date | None = None
    content: bytes
