"""What a library's files are made of: counted and signed by month, and read month by month."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from afflux.domain.accounts import Account, Document, Transaction
from afflux.store.database import Tx
from afflux.store.rows import many


@dataclass(frozen=True, slots=True)
class Heap:
    """The objects of one type that a provider brought in a month."""

    provider_id: int
    #: Its first day.
    month: date
    count: int
    #: Another one when anything in it is another one.
    signature: int
    #: When the first of them came.
    since: datetime


#: Which part of a library: both None are all of it.
Part = tuple[int | None, date | None]
#: Days, first and last.
Days = Sequence[tuple[date, date]]


async def transactions(tx: Tx, application_id: UUID, user_id: UUID, days: Days, part: Part) -> list[Heap]:
    """Movements by provider and month, of the months that have one on these days."""
    rows = await tx.fetch(
        """
        SELECT provider_id, date_trunc('month', day)::date AS month, count(*) AS count,
               bit_xor(hashtextextended(moved.id::text || encode(moved.hash, 'hex'), 0)) AS signature,
               min(moved.created_at) AS since
        FROM transactions AS moved JOIN accounts ON accounts.id = account_id
        JOIN connections ON connections.id = connection_id
        WHERE moved.application_id = $1 AND moved.user_id = $2 AND accounts.status <> 'deleted'
        AND ($3::integer IS NULL OR provider_id = $3)
        AND ($4::date IS NULL OR day >= $4 AND day < $4 + interval '1 month')
        GROUP BY 1, 2
        HAVING bool_or(EXISTS (
            SELECT FROM unnest($5::date[], $6::date[]) AS span (first, last) WHERE day BETWEEN first AND last
        ))
        ORDER BY 1, 2
        """,
        application_id,
        user_id,
        *part,
        [first for first, _ in days],
        [last for _, last in days],
    )
    return many(Heap, rows)


async def accounts(tx: Tx, application_id: UUID, user_id: UUID, days: Days, part: Part) -> list[Heap]:
    """Accounts by provider and the month in which they came, of the months that have one on these days."""
    rows = await tx.fetch(
        """
        SELECT provider_id, date_trunc('month', held.created_at AT TIME ZONE 'UTC')::date AS month, count(*) AS count,
               bit_xor(hashtextextended(held.id::text || encode(held.hash, 'hex') || status, 0)) AS signature,
               min(held.created_at) AS since
        FROM accounts AS held JOIN connections ON connections.id = connection_id
        WHERE held.application_id = $1 AND held.user_id = $2 AND status <> 'deleted'
        AND ($3::integer IS NULL OR provider_id = $3)
        AND ($4::date IS NULL OR date_trunc('month', held.created_at AT TIME ZONE 'UTC') = $4)
        GROUP BY 1, 2
        HAVING bool_or(EXISTS (
            SELECT FROM unnest($5::date[], $6::date[]) AS span (first, last)
            WHERE (held.created_at AT TIME ZONE 'UTC')::date BETWEEN first AND last
        ))
        ORDER BY 1, 2
        """,
        application_id,
        user_id,
        *part,
        [first for first, _ in days],
        [last for _, last in days],
    )
    return many(Heap, rows)


@dataclass(frozen=True, slots=True)
class Paper:
    """A document, where it came from, and what was said of it where it was pushed."""

    document: Document
    provider_id: int
    connection_number: int
    updated_at: datetime
    #: Sealed; None where a provider brought it.
    descriptor: bytes | None
    #: The client id of the contract that pushed it.
    pushed_by: str | None


async def documents(tx: Tx, application_id: UUID, user_id: UUID, pushed: bool, number: int | None) -> list[Paper]:
    """The user's documents that were pushed, or those that were not, oldest first; or the one with this number."""
    rows = await tx.fetch(
        """
        SELECT held.id, held.number, connection_id, account_id, blob_id, held.name, extension, mime, size, type, amount,
               payment_date, sha1, dated_at, held.created_at, held.updated_at, provider_id,
               connections.number AS connection_number, descriptor, public_id AS pushed_by
        FROM documents AS held JOIN connections ON connections.id = connection_id
        LEFT JOIN pushed_documents AS pushed ON document_id = held.id
        LEFT JOIN registrations ON registrations.id = pushed.registration_id
        WHERE held.application_id = $1 AND held.user_id = $2 AND (descriptor IS NOT NULL) = $3
        AND ($4::bigint IS NULL OR held.number = $4)
        ORDER BY held.number
        """,
        application_id,
        user_id,
        pushed,
        number,
    )
    return [_paper(dict(row)) for row in rows]


def _paper(row: dict[str, Any]) -> Paper:
    said = ("updated_at", "provider_id", "connection_number", "descriptor", "pushed_by")
    more = {name: row.pop(name) for name in said}
    return Paper(document=many(Document, [row])[0], **more)


async def movements(
    tx: Tx, application_id: UUID, user_id: UUID, provider_id: int, month: date
) -> list[tuple[Transaction, int]]:
    """The movements of a provider in a month, newest first, each with the number of its account."""
    rows = await tx.fetch(
        """
        SELECT moved.id, account_id, day, booking_date, value_date, moved.amount, text, counterparty, check_number,
               settlement_month, moved.number, moved.status, moved.type, transaction_date, moved.currency,
               counterparty_account, refs, original_amount, original_currency, moved.created_at, moved.updated_at,
               accounts.number AS account_number
        FROM transactions AS moved JOIN accounts ON accounts.id = account_id
        JOIN connections ON connections.id = connection_id
        WHERE moved.application_id = $1 AND moved.user_id = $2 AND accounts.status <> 'deleted'
        AND provider_id = $3 AND day >= $4 AND day < $4 + interval '1 month'
        ORDER BY day DESC, moved.number
        """,
        application_id,
        user_id,
        provider_id,
        month,
    )
    values = [dict(row) for row in rows]
    numbers = [value.pop("account_number") for value in values]
    return list(zip(many(Transaction, values), numbers, strict=True))


async def accounts_of(tx: Tx, application_id: UUID, user_id: UUID, provider_id: int, month: date) -> list[Account]:
    """The accounts of a provider that came in a month, oldest first."""
    rows = await tx.fetch(
        """
        SELECT held.id, held.number, connection_id, channel_id, type, status, held.name, account_number, iban, bban,
               bic, currency, balance, balance_at, owner, is_professional, parent_id, held.created_at, updated_at
        FROM accounts AS held JOIN connections ON connections.id = connection_id
        WHERE held.application_id = $1 AND held.user_id = $2 AND status <> 'deleted' AND provider_id = $3
        AND date_trunc('month', held.created_at AT TIME ZONE 'UTC') = $4
        ORDER BY held.number
        """,
        application_id,
        user_id,
        provider_id,
        month,
    )
    return many(Account, rows)


async def sign(tx: Tx, application_id: UUID, user_id: UUID, signatures: Mapping[str, int]) -> dict[str, datetime]:
    """When each file's content changed last, by name, now that these are their signatures."""
    await tx.execute(
        """
        INSERT INTO library_files AS held (user_id, name, application_id, signature, updated_at)
        SELECT $2, new.name, $1, new.signature, $5 FROM unnest($3::text[], $4::bigint[]) AS new (name, signature)
        WHERE NOT EXISTS (SELECT FROM library_files AS same WHERE same.application_id = $1 AND same.user_id = $2
                          AND same.name = new.name AND same.signature = new.signature)
        ORDER BY new.name
        ON CONFLICT (user_id, name) DO UPDATE
        SET signature = excluded.signature,
            updated_at = greatest(excluded.updated_at, held.updated_at + interval '1 millisecond')
        WHERE held.signature <> excluded.signature
        """,
        application_id,
        user_id,
        list(signatures),
        list(signatures.values()),
        tx.now,
    )
    rows = await tx.fetch(
        "SELECT name, updated_at FROM library_files WHERE application_id = $1 AND user_id = $2 AND name = ANY($3)",
        application_id,
        user_id,
        list(signatures),
    )
    return {row["name"]: row["updated_at"] for row in rows}
