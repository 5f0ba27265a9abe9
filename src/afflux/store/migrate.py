"""Brings the schema to the newest version: our numbered SQL files under Alembic, then the queue's own tables."""

import asyncpg
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from afflux.store import queue

#: Any number will do, as long as every Afflux uses the same: two servers that start together migrate one after the
#: other.
_LOCK = 0x0AFF_1CE5


def _upgrade(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option("script_location", "afflux.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


async def migrate(dsn: str) -> None:
    """Create or upgrade everything. Safe to call at every start and from several machines at once."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool
    )
    async with engine.begin() as connection:
        await connection.run_sync(_upgrade)
    await engine.dispose()
    await queue.install(dsn)
