"""Objects of the service group Finance, as mapped files have them (contract: section 5.2)."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType

from afflux.domain.accounts import Account, Transaction
from afflux.facades.digime.responses import milliseconds
from afflux.services.catalogue_groups import ACCOUNT, FINANCE, TRANSACTION

#: A JSON number that is written already.
Number = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "number"})]


class TransactionObject(msgspec.Struct, omit_defaults=True):
    """One movement. Days are the milliseconds of their first moment, UTC."""

    id: str
    entityid: str
    accountentityid: str
    createddate: int
    #: Signed, debit negative.
    amount: Number
    currency: str
    basetype: str
    type: str
    status: str
    originaldescription: str
    updateddate: int
    postdate: int | UnsetType = UNSET
    valuedate: int | UnsetType = UNSET
    transactiondate: int | UnsetType = UNSET
    merchantname: str | UnsetType = UNSET
    checknumber: str | UnsetType = UNSET
    originalamount: Number | UnsetType = UNSET
    originalcurrency: str | UnsetType = UNSET


class AccountObject(msgspec.Struct, omit_defaults=True):
    """One account."""

    id: str
    entityid: str
    accountentityid: str
    createddate: int
    updateddate: int
    name: str
    accountnumber: str
    type: str
    status: str
    currency: str
    isprofessional: bool
    iban: str | UnsetType = UNSET
    bic: str | UnsetType = UNSET
    owner: str | UnsetType = UNSET
    currentbalance: Number | UnsetType = UNSET
    balancedate: int | UnsetType = UNSET


def transaction_object(provider_id: int, held: Transaction, account_number: int) -> TransactionObject:
    """The movement as it is written."""
    return TransactionObject(
        id=str(held.id),
        entityid=_entity(provider_id, TRANSACTION.id, held.number),
        accountentityid=_entity(provider_id, ACCOUNT.id, account_number),
        createddate=_day(held.day),
        amount=_number(held.amount),
        currency=held.currency,
        basetype="DEBIT" if held.amount < 0 else "CREDIT",
        type=held.type,
        status=held.status,
        originaldescription=held.text,
        updateddate=milliseconds(held.updated_at),
        postdate=_maybe_day(held.booking_date),
        valuedate=_maybe_day(held.value_date),
        transactiondate=_maybe_day(held.transaction_date),
        merchantname=held.counterparty or UNSET,
        checknumber=held.check_number or UNSET,
        originalamount=UNSET if held.original_amount is None else _number(held.original_amount),
        originalcurrency=held.original_currency or UNSET,
    )


def account_object(provider_id: int, held: Account) -> AccountObject:
    """The account as it is written."""
    entity = _entity(provider_id, ACCOUNT.id, held.number)
    return AccountObject(
        id=str(held.id),
        entityid=entity,
        accountentityid=entity,
        createddate=milliseconds(held.created_at),
        updateddate=milliseconds(held.updated_at),
        name=held.name,
        accountnumber=held.account_number,
        type=held.type,
        status=held.status,
        currency=held.currency,
        isprofessional=held.is_professional,
        iban=held.iban or UNSET,
        bic=held.bic or UNSET,
        owner=held.owner or UNSET,
        currentbalance=UNSET if held.balance is None else _number(held.balance),
        balancedate=UNSET if held.balance_at is None else milliseconds(held.balance_at),
    )


def _entity(provider_id: int, kind: int, number: int) -> str:
    return f"{FINANCE.id}_{provider_id}_{kind}_{number}"


def _day(day: date) -> int:
    return milliseconds(datetime.combine(day, time(), UTC))


def _maybe_day(day: date | None) -> int | UnsetType:
    return UNSET if day is None else _day(day)


def _number(amount: Decimal) -> Number:
    """The amount as a JSON number: exact, no exponent, no zeros at its end."""
    digits = format(amount, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return msgspec.Raw(b"0" if digits == "-0" else digits.encode())
