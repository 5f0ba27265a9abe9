"""Accounts and their transactions (contract: sections 6.5 and 6.6)."""

from datetime import date
from uuid import UUID

import msgspec

from afflux.domain.accounts import Account, Line
from afflux.domain.records import AccountType
from afflux.facades.iswigo.wire.values import Number, number

#: What there is to say where a transaction has no further text.
_NOTHING = "."
#: How long the number of a card is, and how much of its end is shown.
_CARD_DIGITS, _SHOWN = 16, 6


class AccountObject(msgspec.Struct):
    """An account."""

    account_id: UUID
    connection_id: UUID
    #: `account`, or `deferred credit card`.
    type: str
    name: str
    #: Masked for a deferred card.
    account_number: str
    #: The IBAN's national part; in France without its key.
    bban: str | None
    balance: Number | None
    #: ISO 4217.
    currency: str
    is_professional: bool
    #: The account that a deferred card is debited from.
    parent_account_id: UUID | None


class TransactionObject(msgspec.Struct):
    """A movement on an account."""

    transaction_id: UUID
    account_id: UUID
    #: The day that the list is ordered by.
    operation_date: date
    value_date: date
    #: Null: it is the operation's.
    accounting_date: date | None
    #: Month (`YYYY-MM`) in which a deferred card's purchase is settled.
    cc_order_month: str | None
    check_number: str | None
    #: Debit negative.
    amount: Number
    wording: str
    #: `.` where there is none.
    text: str


def account_object(account: Account) -> AccountObject:
    """The account as listed and read. A deferred card shows no more of itself than the end of its number."""
    is_card = account.type is AccountType.DEFERRED_CARD
    return AccountObject(
        account.id,
        account.connection_id,
        "deferred credit card" if is_card else "account",
        account.name,
        _masked(account.account_number) if is_card else account.account_number,
        None if is_card else bban(account),
        None if is_card or account.balance is None else number(account.balance),
        account.currency,
        account.is_professional,
        account.parent_id,
    )


def bban(account: Account) -> str | None:
    """The national account number: as the provider gives it, else what the IBAN says after country and check digits."""
    if account.bban or not account.iban:
        return account.bban or None
    national = account.iban.replace(" ", "")[4:]
    # A French one ends in a key of two digits, which the reference leaves out.
    return national[:21] if account.iban.startswith("FR") else national or None


def _masked(card: str) -> str:
    return "".join(filter(str.isdecimal, card))[-_SHOWN:].rjust(_CARD_DIGITS, "x")


def transaction_object(line: Line) -> TransactionObject:
    """The transaction as listed and read."""
    id, account_id, day, value_date, amount, text, counterparty, check_number, month = line
    wording, _, further = text.strip().partition("\n")
    return TransactionObject(
        id,
        account_id,
        day,
        value_date or day,
        # The day of booking, where there is one, is the operation's.
        None,
        month,
        check_number,
        number(amount),
        wording.rstrip(),
        further.strip() or counterparty or _NOTHING,
    )
