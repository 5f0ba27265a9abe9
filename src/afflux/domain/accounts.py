"""Accounts, transactions and documents as we hold and serve them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from afflux.domain.records import AccountType, DocumentType, TransactionStatus, TransactionType


class AccountStatus(StrEnum):
    """Whether an account is still fed."""

    ACTIVE = "active"
    #: The provider lists it as closed.
    CLOSED = "closed"
    #: The provider no longer lists it.
    NOT_FOUND = "not_found"
    #: The user removed it here; a sync of kind `accounts` brings it back.
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Account:
    """One account of a connection. Money is exact, in `currency`."""

    id: UUID
    number: int
    connection_id: UUID
    channel_id: int
    type: AccountType
    status: AccountStatus
    name: str
    account_number: str
    iban: str | None
    bban: str | None
    bic: str | None
    currency: str
    balance: Decimal | None
    balance_at: datetime | None
    owner: str | None
    is_professional: bool
    parent_id: UUID | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Transaction:
    """One movement on an account; `amount` is signed, debit negative."""

    id: UUID
    number: int
    account_id: UUID
    status: TransactionStatus
    type: TransactionType
    day: date
    booking_date: date | None
    value_date: date | None
    transaction_date: date | None
    amount: Decimal
    currency: str
    text: str
    counterparty: str | None
    counterparty_account: str | None
    refs: Mapping[str, str]
    check_number: str | None
    original_amount: Decimal | None
    original_currency: str | None
    settlement_month: str | None
    created_at: datetime
    updated_at: datetime


class Line(NamedTuple):
    """One movement as a statement prints it. A tuple, because lists of them are read more than anything else."""

    id: UUID
    account_id: UUID
    day: date
    value_date: date | None
    amount: Decimal
    text: str
    counterparty: str | None
    check_number: str | None
    settlement_month: str | None


@dataclass(frozen=True, slots=True)
class Document:
    """One document; its bytes are kept apart, sealed."""

    id: UUID
    number: int
    connection_id: UUID
    account_id: UUID | None
    blob_id: UUID
    name: str
    extension: str
    mime: str
    #: Bytes.
    size: int
    type: DocumentType
    amount: Decimal | None
    payment_date: date | None
    sha1: bytes
    dated_at: datetime
    created_at: datetime
