"""What hangs on a user, found in the database's own catalogue rather than in a list that could be forgotten."""

from uuid import UUID

from afflux.store.database import Tx


async def tables(tx: Tx) -> list[str]:
    """Every table whose rows belong to a user: those with a `user_id`, but for the audit records, which stay."""
    rows = await tx.fetch(
        """
        SELECT columns.table_name::text AS name
        FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
        WHERE table_schema = current_schema() AND table_type = 'BASE TABLE' AND column_name = 'user_id'
              AND table_name <> 'operations'
        ORDER BY 1
        """
    )
    return [row["name"] for row in rows]


async def count(tx: Tx, application_id: UUID, user_id: UUID) -> dict[str, int]:
    """Rows of the user by table; tables without any are left out."""
    counted = {
        table: await tx.value(
            f"SELECT count(*) FROM {table} WHERE application_id = $1 AND user_id = $2",
            application_id,
            user_id,
        )
        for table in await tables(tx)
    }
    return {table: rows for table, rows in counted.items() if rows}
