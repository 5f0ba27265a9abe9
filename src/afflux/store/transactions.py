"""Transactions: compared by hash, written only where they differ."""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

import msgspec
from asyncpg.pgproto import pgproto

from afflux.domain.accounts import Line, Transaction
from afflux.domain.categories import category_of
from afflux.domain.errors import NotFound
from afflux.domain.identity import Incoming
from afflux.domain.reconcile import Held
from afflux.domain.syncs import Sync
from afflux.store.database import Tx
from afflux.store.rows import many

_COLUMNS = """id, number, account_id, status, type, day, booking_date, value_date, transaction_date, amount, currency,
              text, counterparty, counterparty_account, refs, check_number, original_amount, original_currency,
              settlement_month, created_at, updated_at"""
_LINE = ", ".join(Line._fields)

#: What COPY writes, in the order of `_copied`.
INSERTED = (
    "id", "application_id", "user_id", "account_id", "identity", "hash", "status", "type", "day", "booking_date",
    "value_date", "transaction_date", "amount", "currency", "text", "counterparty", "counterparty_account", "refs",
    "check_number", "original_amount", "original_currency", "settlement_month", "raw", "category", "created_at",
    "updated_at",
)  # fmt: skip


async def known(tx: Tx, sync: Sync, account_id: UUID, first: date, last: date) -> dict[str, bytes]:
    """Hash by identity, of the account's rows from `first` to `last` and of all that are pending."""
    # Two columns in one row: what a row of its own each would cost in objects is many times the query.
    row = await tx.row(
        """
        SELECT array_agg(identity), array_agg(hash) FROM transactions
        WHERE application_id = $1 AND account_id = $2 AND (day BETWEEN $3 AND $4 OR status = 'pending')
        """,
        sync.application_id,
        account_id,
        first,
        last,
    )
    identities, hashes = row or (None, None)
    return dict(zip(identities or (), hashes or (), strict=True))


async def any_held(tx: Tx, sync: Sync, account_id: UUID) -> bool:
    """Whether the account has rows at all."""
    found = await tx.value(
        "SELECT true FROM transactions WHERE application_id = $1 AND account_id = $2 LIMIT 1",
        sync.application_id,
        account_id,
    )
    return found is not None


async def held(tx: Tx, sync: Sync, account_id: UUID, identities: Collection[str]) -> list[Held]:
    """What `reconcile` needs to know of the rows with these identities."""
    rows = await tx.fetch(
        """
        SELECT id, identity, hash, status, day, value_date, transaction_date, amount, currency, text, counterparty,
               refs AS references
        FROM transactions WHERE application_id = $1 AND account_id = $2 AND identity = ANY($3)
        """,
        sync.application_id,
        account_id,
        list(identities),
    )
    return many(Held, rows)


def new_ids(count: int) -> list[UUID]:
    """Random ids (version 4) for new rows, drawn at once and in the driver's own type: far faster than `uuid4`."""
    drawn = bytearray(os.urandom(16 * count))
    drawn[6::16] = bytes(byte & 0x0F | 0x40 for byte in drawn[6::16])
    drawn[8::16] = bytes(byte & 0x3F | 0x80 for byte in drawn[8::16])
    return [pgproto.UUID(bytes(drawn[start : start + 16])) for start in range(0, len(drawn), 16)]


def _values(incoming: Incoming) -> tuple[object, ...]:
    """The columns from `identity` to `category`."""
    record = incoming.record
    return (
        incoming.identity, incoming.hash, record.status, record.type, record.day, record.booking_date,
        record.value_date, record.transaction_date, record.amount, record.currency, record.text, record.counterparty,
        record.counterparty_account, record.references, record.check_number, record.original_amount,
        record.original_currency, record.settlement_month, record.raw, category_of(record.text, record.type),
    )  # fmt: skip


def copied(
    sync: Sync, account_id: UUID, now: datetime, rows: Iterable[tuple[UUID, Incoming]]
) -> Iterable[tuple[object, ...]]:
    """Rows as COPY wants them."""
    head, tail = (sync.application_id, sync.user_id, account_id), (now, now)
    for transaction_id, incoming in rows:
        yield (transaction_id, *head, *_values(incoming), *tail)


async def insert(tx: Tx, sync: Sync, account_id: UUID, rows: Iterable[tuple[UUID, Incoming]]) -> None:
    """Add rows under the ids given."""
    await tx.copy("transactions", INSERTED, copied(sync, account_id, tx.now, rows))


async def update(tx: Tx, sync: Sync, account_id: UUID, rows: Sequence[tuple[UUID, Incoming]]) -> None:
    """Make the rows with these ids say what came in; one statement for all."""
    columns: list[list[object]] = [list(column) for column in zip(*(_values(new) for _, new in rows), strict=True)]
    columns[13] = [msgspec.json.encode(refs).decode() for refs in columns[13]]
    await tx.execute(
        """
        UPDATE transactions AS held
        SET identity = new.identity, hash = new.hash, status = new.status, type = new.type, day = new.day,
            booking_date = new.booking_date, value_date = new.value_date, transaction_date = new.transaction_date,
            amount = new.amount, currency = new.currency, text = new.text, counterparty = new.counterparty,
            counterparty_account = new.counterparty_account, refs = new.refs, check_number = new.check_number,
            original_amount = new.original_amount, original_currency = new.original_currency,
            settlement_month = new.settlement_month, raw = new.raw, category = new.category, updated_at = $3
        FROM unnest($4::uuid[], $5::text[], $6::bytea[], $7::text[], $8::text[], $9::date[], $10::date[], $11::date[],
                    $12::date[], $13::numeric[], $14::text[], $15::text[], $16::text[], $17::text[], $18::jsonb[],
                    $19::text[], $20::numeric[], $21::text[], $22::text[], $23::text[], $24::text[])
             AS new (id, identity, hash, status, type, day, booking_date, value_date, transaction_date, amount,
                     currency, text, counterparty, counterparty_account, refs, check_number, original_amount,
                     original_currency, settlement_month, raw, category)
        WHERE held.application_id = $1 AND held.account_id = $2 AND held.id = new.id
        """,
        sync.application_id,
        account_id,
        tx.now,
        [transaction_id for transaction_id, _ in rows],
        *columns,
    )


async def delete(tx: Tx, sync: Sync, account_id: UUID, ids: Collection[UUID]) -> None:
    """Remove rows that the provider no longer has."""
    await tx.execute(
        "DELETE FROM transactions WHERE application_id = $1 AND account_id = $2 AND id = ANY($3)",
        sync.application_id,
        account_id,
        list(ids),
    )


async def count_days(tx: Tx, sync: Sync, account_id: UUID, gained: Mapping[date, int]) -> None:
    """Note by how many rows days of the account gained or, below zero, lost: the count up to each of them and to every
    later day moves with it. The account is locked.
    """
    await tx.execute(
        """
        MERGE INTO transaction_days AS held
        USING (
            SELECT day, sum(gained) OVER (ORDER BY day) + coalesce((
                SELECT through FROM transaction_days
                WHERE application_id = $1 AND account_id = $3 AND day <= days.day ORDER BY day DESC LIMIT 1
            ), 0) AS through
            FROM (
                SELECT day, sum(gained) AS gained FROM (
                    SELECT day, gained FROM unnest($4::date[], $5::bigint[]) AS written (day, gained)
                    UNION ALL
                    SELECT day, 0 FROM transaction_days WHERE application_id = $1 AND account_id = $3 AND day > $6
                ) AS moved GROUP BY day
            ) AS days
        ) AS new
        ON held.application_id = $1 AND held.account_id = $3 AND held.day = new.day
        WHEN MATCHED THEN UPDATE SET through = new.through
        WHEN NOT MATCHED THEN INSERT (account_id, day, application_id, user_id, through)
                              VALUES ($3, new.day, $1, $2, new.through)
        """,
        sync.application_id,
        sync.user_id,
        account_id,
        list(gained),
        list(gained.values()),
        min(gained),
    )


async def of_account(
    tx: Tx, application_id: UUID, user_id: UUID, account_id: UUID, *, limit: int | None = None
) -> list[Transaction]:
    """The account's transactions, newest day first, then in the order of insertion."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM transactions WHERE application_id = $1 AND user_id = $2 AND account_id = $3
        ORDER BY day DESC, number LIMIT $4
        """,
        application_id,
        user_id,
        account_id,
        limit,
    )
    return many(Transaction, rows)


async def page(
    tx: Tx, application_id: UUID, user_id: UUID, account_id: UUID, first: int, limit: int
) -> tuple[int, list[Line]]:
    """How many transactions the account has, and `limit` of them from index `first`: newest day first, then in the
    order of insertion. Raises `NotFound` for an account that is not there.

    The counts up to each day tell between which days the page lies, and how many rows of the newest of them come before
    it; so a far page costs what a near one does, and no plan reads more than the rows of these days.
    """
    rows = await tx.fetch(
        f"""
        WITH held AS MATERIALIZED (
            SELECT id AS held_id, coalesce(
                (SELECT through FROM transaction_days WHERE account_id = accounts.id ORDER BY day DESC LIMIT 1), 0
            ) AS total
            FROM accounts WHERE application_id = $1 AND user_id = $2 AND id = $3 AND status <> 'deleted'
        ), place AS MATERIALIZED (
            SELECT newest.day AS newest, oldest.day AS oldest, $4 - (total - newest.through) AS skipped
            FROM held, LATERAL (
                SELECT day, through FROM transaction_days WHERE account_id = held_id AND through >= total - $4
                ORDER BY through, day LIMIT 1
            ) AS newest, LATERAL (
                SELECT day FROM transaction_days WHERE account_id = held_id AND through > greatest(total - $4 - $5, 0)
                ORDER BY through, day LIMIT 1
            ) AS oldest
            WHERE total > $4
        )
        SELECT {_LINE}, total FROM held LEFT JOIN (
            SELECT line.* FROM place, LATERAL (
                SELECT {_LINE}, number FROM transactions
                WHERE application_id = $1 AND user_id = $2 AND account_id = $3 AND day BETWEEN oldest AND newest
                ORDER BY day DESC, number OFFSET skipped LIMIT $5
            ) AS line
        ) AS page ON true
        ORDER BY day DESC, number
        """,
        application_id,
        user_id,
        account_id,
        first,
        limit,
    )
    if not rows:
        raise NotFound("account not found")
    return rows[0]["total"], [Line(*row[:-1]) for row in rows if row["id"] is not None]


async def by_id(tx: Tx, application_id: UUID, user_id: UUID, account_id: UUID, transaction_id: UUID) -> Line:
    """One transaction of an account that is not deleted. Raises `NotFound`."""
    row = await tx.row(
        f"""
        SELECT {_LINE} FROM transactions
        WHERE application_id = $1 AND user_id = $2 AND account_id = $3 AND id = $4
        AND EXISTS (SELECT FROM accounts WHERE application_id = $1 AND id = $3 AND status <> 'deleted')
        """,
        application_id,
        user_id,
        account_id,
        transaction_id,
    )
    if row is None:
        raise NotFound("transaction not found")
    return Line._make(row)


async def drop(tx: Tx, application_id: UUID, account_id: UUID) -> None:
    """Delete every transaction of the account."""
    await tx.execute(
        "DELETE FROM transactions WHERE application_id = $1 AND account_id = $2", application_id, account_id
    )


async def drop_days(tx: Tx, application_id: UUID, account_id: UUID) -> None:
    """Forget how many there were."""
    await tx.execute(
        "DELETE FROM transaction_days WHERE application_id = $1 AND account_id = $2", application_id, account_id
    )
