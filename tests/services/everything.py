"""Everything that a database holds: every column of every row of every table, found in its own catalogue, and what the
planner's statistics have of them.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg


@dataclass(frozen=True)
class Everything:
    """The cells of a database by table and column, as bytes."""

    cells: dict[str, list[bytes]]

    def places_of(self, word: str) -> set[str]:
        """The columns in which the word stands, plainly or in one of the usual disguises."""
        disguises = list(forms(word))
        return {
            place
            for place, values in self.cells.items()
            if any(form in value for value in values for form in disguises)
        }


def forms(word: str) -> Iterator[bytes]:
    """How a word may look in a dump: as it is, in hexadecimal digits, in UTF-16, and in base64 wherever it begins."""
    plain = word.encode()
    yield plain
    yield plain.hex().encode()
    yield plain.hex().upper().encode()
    yield word.encode("utf-16-le")
    yield word.encode("utf-16-be")
    for shift in range(3):
        # Without the letters that depend on what stands before and behind.
        first, last = -(-shift * 8 // 6), (shift + len(plain)) * 8 // 6
        coded = base64.b64encode(b"\0" * shift + plain)[first:last]
        yield coded
        yield coded.replace(b"+", b"-").replace(b"/", b"_")


async def everything(dsn: str) -> Everything:
    """Read the whole database, the queue's tables and all others included."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch(
            """
            SELECT attrelid::regclass::text AS table, array_agg(attname::text) AS columns,
                   string_agg(CASE atttypid WHEN 'bytea'::regtype THEN quote_ident(attname)
                              ELSE format('convert_to(%I::text, ''UTF8'')', attname) END, ', ') AS values
            FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
            WHERE relkind = 'r' AND attnum > 0 AND NOT attisdropped
                  AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
            GROUP BY attrelid
            """
        )
        cells = {place: cells for table in tables for place, cells in await _cells(connection, table)}
        return Everything(cells | await _statistics(connection))
    finally:
        await connection.close()


async def _cells(connection: asyncpg.Connection, table: asyncpg.Record) -> list[tuple[str, list[bytes]]]:
    rows = await connection.fetch(f"SELECT {table['values']} FROM {table['table']}")
    return [
        (f"{table['table']}.{column}", [row[place] for row in rows if row[place] is not None])
        for place, column in enumerate(table["columns"])
    ]


async def _statistics(connection: asyncpg.Connection) -> dict[str, list[bytes]]:
    rows = await connection.fetch(
        """
        SELECT format('statistics of %s.%s', tablename, attname) AS place,
               convert_to(concat(most_common_vals, histogram_bounds, most_common_elems), 'UTF8') AS values
        FROM pg_stats WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
        """
    )
    return {row["place"]: [row["values"]] for row in rows}
