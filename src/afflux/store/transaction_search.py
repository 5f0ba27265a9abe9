"""The user's transactions over all accounts, in the order in which they came."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from afflux.domain.records import AccountType, TransactionStatus, TransactionType
from afflux.store.database import Tx
from afflux.store.rows import many, one


@dataclass(frozen=True, slots=True)
class Found:
    """A transaction and the number of its account."""

    id: UUID
    number: int
    account_number: int
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
    check_number: str | None
    category: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is wanted; None does not matter. Days, amounts and moments are inclusive."""

    account: int | None = None
    account_types: list[AccountType] | None = None
    statuses: list[TransactionStatus] | None = None
    amount: Decimal | None = None
    least: Decimal | None = None
    most: Decimal | None = None
    first_day: date | None = None
    last_day: date | None = None
    imported_since: datetime | None = None
    category: str | None = None


_FOUND = """
    SELECT transactions.id, transactions.number, accounts.number AS account_number, transactions.status,
           transactions.type, day, booking_date, value_date, transaction_date, amount, transactions.currency, text,
           counterparty, check_number, category, transactions.created_at, transactions.updated_at
    FROM transactions JOIN accounts ON accounts.application_id = transactions.application_id
         AND accounts.id = account_id AND accounts.status <> 'deleted'
    WHERE transactions.application_id = $1 AND transactions.user_id = $2
"""


async def find(tx: Tx, application_id: UUID, user_id: UUID, search: Search, first: int, limit: int) -> list[Found]:
    """`limit` of the transactions that fit from index `first`: in the order of import, newest of one second first.

    A moment is told in whole seconds, and whoever checks the order has nothing finer; `transactions_by_import` has
    this very expression.
    """
    rows = await tx.fetch(
        f"""
        {_FOUND}
        AND ($5::bigint IS NULL OR accounts.number = $5) AND ($6::text[] IS NULL OR accounts.type = ANY($6))
        AND ($7::text[] IS NULL OR transactions.status = ANY($7))
        AND ($8::numeric IS NULL OR amount = $8) AND ($9::numeric IS NULL OR amount >= $9)
        AND ($10::numeric IS NULL OR amount <= $10)
        AND ($11::date IS NULL OR day >= $11) AND ($12::date IS NULL OR day <= $12)
        AND ($13::timestamptz IS NULL OR transactions.created_at >= $13)
        AND ($14::text IS NULL OR category = $14)
        ORDER BY date_trunc('second', transactions.created_at AT TIME ZONE 'UTC'), transactions.number DESC
        OFFSET $3 LIMIT $4
        """,
        application_id,
        user_id,
        first,
        limit,
        search.account,
        search.account_types,
        search.statuses,
        search.amount,
        search.least,
        search.most,
        search.first_day,
        search.last_day,
        search.imported_since,
        search.category,
    )
    return many(Found, rows)


async def by_number(tx: Tx, application_id: UUID, user_id: UUID, number: int) -> Found:
    """One transaction of the user. Raises `NotFound`."""
    row = await tx.row(f"{_FOUND} AND transactions.number = $3", application_id, user_id, number)
    return one(Found, row, "transaction")
