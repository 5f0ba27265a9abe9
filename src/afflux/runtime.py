"""The long-lived things of one process, built once."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from afflux.config import Settings
from afflux.connectors.registry import Registry
from afflux.domain.clock import Clock
from afflux.store.database import Database
from afflux.store.vault import Vault


@dataclass(frozen=True, slots=True)
class Runtime:
    """What a process works with."""

    settings: Settings
    dsn: str
    clock: Clock
    database: Database
    vault: Vault
    registry: Registry


@asynccontextmanager
async def open_runtime(
    settings: Settings,
    dsn: str,
    root_key: bytes,
    registry: Registry | None = None,
    *,
    statement_seconds: float = 0,
    plan_once: bool = False,
) -> AsyncIterator[Runtime]:
    """Connect to a migrated database, and disconnect at the end of the block. See `Database.open` for the rest."""
    clock = Clock(timedelta(seconds=settings.clock_offset))
    vault = Vault(root_key)
    database = await Database.open(
        dsn,
        clock,
        vault.audit_key,
        size=settings.pool_size,
        statement_seconds=statement_seconds,
        plan_once=plan_once,
    )
    try:
        yield Runtime(settings, dsn, clock, database, vault, registry or Registry.discover())
    finally:
        await database.close()
