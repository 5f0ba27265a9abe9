"""What every reader returns: the statements of a file, before they are put together per account."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from afflux.domain.records import AccountType, Balance, KeyQuality, TransactionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class StatedAccount:
    """The account as one statement names it."""

    key: str
    key_quality: KeyQuality = KeyQuality.PROVIDER
    number: str = ""
    iban: str | None = None
    bban: str | None = None
    bic: str | None = None
    #: ISO 4217.
    currency: str
    name: str | None = None
    owner: str | None = None
    type: AccountType = AccountType.CURRENT
    raw: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One list of movements of one account, with the balances stated beside it."""

    #: How error and warning lines name it, such as `statement 2`.
    place: str
    account: StatedAccount
    #: Every balance stated, in the order of the file.
    balances: tuple[Balance, ...] = ()
    #: The booked balances before and after these movements, where the file states both as such.
    opening: Balance | None = None
    closing: Balance | None = None
    #: The booked balance to show, and when it was true.
    balance: Decimal | None = None
    balance_at: datetime | None = None
    transactions: tuple[TransactionRecord, ...] = ()
    #: Keys of earlier movements that the bank takes back.
    removed: tuple[str, ...] = ()
    #: Days (both included) for which the bank says that this is the whole statement.
    complete: tuple[date, date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Something to tell the owner, becoming a `Warning`."""

    code: str
    text: str
    account_key: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A whole file."""

    #: Such as `camt.053.001.08`.
    format: str
    statements: tuple[Statement, ...]
    notes: tuple[Note, ...] = field(default=())
