"""The categories that transactions keep, after the rules for them have changed."""

import asyncpg

from afflux.domain.categories import category_of
from afflux.domain.records import TransactionType

_BATCH = 10_000


async def file_anew(connection: asyncpg.Connection) -> None:
    """Give every transaction the category that the rules of today say. For migrations."""
    last = 0
    while rows := await _after(connection, last):
        last = rows[-1]["number"]
        found = [category_of(row["text"], TransactionType(row["type"])) for row in rows]
        await _set(connection, [row["number"] for row in rows], found)


async def _after(connection: asyncpg.Connection, number: int) -> list[asyncpg.Record]:
    """The next transactions by number, with what their categories are found by."""
    rows: list[asyncpg.Record] = await connection.fetch(
        """
        -- every application: the rules are everybody's
        SELECT number, text, type FROM transactions WHERE number > $1 ORDER BY number LIMIT $2
        """,
        number,
        _BATCH,
    )
    return rows


async def _set(connection: asyncpg.Connection, numbers: list[int], categories: list[str]) -> None:
    """Note the categories that are others than before."""
    await connection.execute(
        """
        -- every application: the rules are everybody's
        UPDATE transactions AS held SET category = new.category
        FROM unnest($1::bigint[], $2::text[]) AS new (number, category)
        WHERE held.number = new.number AND held.category <> new.category
        """,
        numbers,
        categories,
    )
