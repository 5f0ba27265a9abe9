"""Brings the schema to the newest version: our own tables, then the queue's."""

from importlib import import_module
from importlib.resources import files

import asyncpg

from afflux.store import queue


async def migrate(dsn: str) -> None:
    """Create or upgrade everything. Safe to call at every start and from several machines at once."""
    if not await _is_newest(dsn):
        # Loaded only where it is needed: to load Alembic takes longer than most commands.
        await import_module("afflux.store.upgrade").upgrade(dsn)
    await queue.install(dsn)


async def _is_newest(dsn: str) -> bool:
    """Whether there is nothing to do for our own tables."""
    connection = await asyncpg.connect(dsn)
    try:
        version = await connection.fetchval("SELECT version_num FROM alembic_version")
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()
    return bool(version == newest())


def newest() -> str:
    """The number of our newest migration."""
    names = (file.name for file in files("afflux.store").joinpath("migrations", "versions").iterdir())
    return max(name.partition("_")[0] for name in names if name.endswith(".py"))
