"""What hangs on a user, found in the database's own catalogue rather than in a list that could be forgotten."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from afflux.store.database import Database, Tx

#: Tables that name users and outlive them: the records, and by which ids they are found.
KEPT = ("operations", "pseudonyms")


async def tables(tx: Tx) -> list[str]:
    """Every table whose rows belong to a user, those that refer to others before the ones they refer to."""
    rows = await tx.fetch(
        """
        SELECT columns.table_name::text AS name
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND column_name = 'user_id'
              AND table_name <> ALL($1)
        ORDER BY 1
        """,
        KEPT,
    )
    return _children_first([row["name"] for row in rows], await _references(tx))


async def _references(tx: Tx) -> set[tuple[str, str]]:
    """Which table refers to which."""
    rows = await tx.fetch(
        """
        SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent FROM pg_constraint
        WHERE contype = 'f' AND conrelid <> confrelid
        """
    )
    return {(row["child"], row["parent"]) for row in rows}


def _children_first(names: Iterable[str], references: set[tuple[str, str]]) -> list[str]:
    left, ordered = list(names), []
    while left:
        free = [name for name in left if not any((child, name) in references for child in left)]
        ordered += free or left
        left = [name for name in left if name not in ordered]
    return ordered


async def count(tx: Tx, application_id: UUID, user_id: UUID) -> dict[str, int]:
    """Rows of the user by table; tables without any are left out."""
    counted = {
        table: await tx.value(
            f"SELECT count(*) FROM {table} WHERE application_id = $1 AND user_id = $2",
            application_id,
            user_id,
        )
        for table in sorted(await tables(tx))
    }
    return {table: rows for table, rows in counted.items() if rows}


async def delete_some(tx: Tx, table: str, application_id: UUID, user_id: UUID, limit: int) -> int:
    """Delete up to `limit` of the user's rows in a table; how many went."""
    return await tx.execute(
        f"""
        DELETE FROM {table} WHERE application_id = $1 AND user_id = $2 AND ctid = ANY(ARRAY(
            SELECT ctid FROM {table} WHERE application_id = $1 AND user_id = $2 LIMIT $3
        ))
        """,
        application_id,
        user_id,
        limit,
    )


async def is_in_ledger(tx: Tx, application_id: UUID, user_id: UUID) -> bool:
    """Whether the erasure of the user was written into the ledger."""
    return bool(
        await tx.value(
            "SELECT ledgered_at IS NOT NULL FROM users WHERE application_id = $1 AND id = $2", application_id, user_id
        )
    )


async def set_in_ledger(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    """Remember that it was."""
    await tx.execute(
        "UPDATE users SET ledgered_at = $3 WHERE application_id = $1 AND id = $2", application_id, user_id, tx.now
    )


async def vacuum(database: Database, tables: Sequence[str]) -> None:
    """Free the room that deleted rows take, and make the planner forget what stood in them. Outside any transaction;
    leaves out tables at which somebody else is.
    """
    async with database.reading() as tx:
        await tx.execute(f"VACUUM (ANALYZE, SKIP_LOCKED) {', '.join(tables)}")
        if await tx.value("SELECT to_regproc('pg_clear_attribute_stats') IS NOT NULL"):  # PostgreSQL 18
            await _forget_samples(tx, tables)


async def _forget_samples(tx: Tx, tables: Sequence[str]) -> None:
    """Clear the statistics of tables that are empty now: to analyse those leaves the old samples where they are."""
    await tx.fetch(
        """
        SELECT pg_clear_attribute_stats(schemaname::text, tablename::text, attname::text, inherited)
        FROM pg_stats JOIN pg_class ON pg_class.oid = format('%I.%I', schemaname, tablename)::regclass
        WHERE schemaname = current_schema() AND tablename = ANY($1) AND reltuples = 0
        """,
        tables,
    )
