"""Questions about the server itself."""

from afflux.store.database import Tx


async def alive(tx: Tx) -> bool:
    """Whether the database answers and is migrated."""
    return bool(
        await tx.value("SELECT to_regclass('alembic_version') IS NOT NULL AND to_regclass('pgqueuer') IS NOT NULL")
    )


async def is_superuser(tx: Tx) -> bool:
    """Whether our role may do anything, which it should not."""
    return bool(await tx.value("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"))


async def syncs_by_status(tx: Tx) -> dict[str, int]:
    """How many syncs are in each state that is not over."""
    rows = await tx.fetch(
        """
        -- every application: metrics of the whole server
        SELECT status, count(*) AS syncs FROM syncs WHERE status IN ('pending', 'running', 'waiting') GROUP BY status
        """
    )
    return {row["status"]: row["syncs"] for row in rows}
