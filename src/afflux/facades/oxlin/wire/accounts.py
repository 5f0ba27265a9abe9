"""Accounts (contract: section 3.5), and what is asked with them."""

from enum import StrEnum

import msgspec

from afflux.domain.overviews import AccountOverview, Standing
from afflux.domain.records import AccountType
from afflux.facades.oxlin.wire.connections import Owner
from afflux.facades.oxlin.wire.values import Number, amount, epoch, maybe_epoch


class Type(StrEnum):
    """What kind of account it is."""

    CHECKINGS = "CHECKINGS"
    SAVINGS = "SAVINGS"
    LOAN = "LOAN"
    CREDIT_CARD = "CREDIT_CARD"


class AccountStatus(StrEnum):
    """What may be expected of it."""

    #: Filled from files; no bank is asked.
    MANUAL = "MANUAL"
    ACTIVE = "ACTIVE"
    #: The last import failed.
    ERROR = "ERROR"
    #: The bank no longer lists it.
    NOT_FOUND = "NOT_FOUND"
    CLOSED = "CLOSED"
    SUSPENDED = "SUSPENDED"
    #: Waits for its user's consent.
    PENDING_CONSENT = "PENDING_CONSENT"


class Usage(StrEnum):
    """What it is used for."""

    PERSONAL = "PERSONAL"
    PROFESSIONAL = "PROFESSIONAL"


class AccountObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An account."""

    id: str
    connection_id: str
    name: str | None = None
    account_number: str | None = None
    iban: str | None = None
    currency: str
    #: In `currency`.
    balance: Number | msgspec.UnsetType = msgspec.UNSET
    #: Seconds since 1970.
    balance_date: int | msgspec.UnsetType = msgspec.UNSET
    type: Type
    status: AccountStatus
    #: Seconds since 1970.
    creation_date: int
    owner: Owner | None = None
    usage: Usage
    #: The channel that last brought it up to date.
    last_channel_definition_id: str


class AccountChanges(msgspec.Struct):
    """What its user says of it."""

    name: str | None = None
    usage: Usage | None = None


_TYPES = {
    AccountType.CURRENT: Type.CHECKINGS,
    AccountType.SAVINGS: Type.SAVINGS,
    AccountType.CARD: Type.CREDIT_CARD,
    AccountType.DEFERRED_CARD: Type.CREDIT_CARD,
    AccountType.LOAN: Type.LOAN,
    AccountType.SECURITIES: Type.SAVINGS,
    AccountType.OTHER: Type.CHECKINGS,
}
_STATUSES = {
    Standing.ACTIVE: AccountStatus.ACTIVE,
    Standing.MANUAL: AccountStatus.MANUAL,
    Standing.FAILING: AccountStatus.ERROR,
    Standing.NOT_FOUND: AccountStatus.NOT_FOUND,
    Standing.CLOSED: AccountStatus.CLOSED,
    Standing.AWAITS_CONSENT: AccountStatus.PENDING_CONSENT,
}


def core_types(type: Type) -> list[AccountType]:
    """The core's types that are called so here."""
    return [core for core, called in _TYPES.items() if called is type]


def core_standings(status: AccountStatus) -> list[Standing]:
    """The core's standings that are called so here."""
    return [core for core, called in _STATUSES.items() if called is status]


def account_object(account: AccountOverview) -> AccountObject:
    """The account as listed and read."""
    return AccountObject(
        id=str(account.number),
        connection_id=str(account.connection_number),
        name=account.name or None,
        account_number=account.account_number or None,
        iban=account.iban,
        currency=account.currency,
        balance=msgspec.UNSET if account.balance is None else amount(account.balance),
        balance_date=maybe_epoch(account.balance_at),
        type=_TYPES[account.type],
        status=_STATUSES[account.standing],
        creation_date=epoch(account.created_at),
        owner=Owner(account.owner) if account.owner else None,
        usage=Usage.PROFESSIONAL if account.is_professional else Usage.PERSONAL,
        last_channel_definition_id=str(account.channel_id),
    )
