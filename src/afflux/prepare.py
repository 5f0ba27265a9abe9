"""Brings a database to this version of Afflux."""

import logging

from afflux.config import Settings
from afflux.domain.errors import AffluxError
from afflux.runtime import open_runtime
from afflux.services import erasure
from afflux.store import catalogue, health, keys
from afflux.store.migrate import migrate

log = logging.getLogger(__name__)


async def prepare(settings: Settings, dsn: str, key: bytes) -> None:
    """Migrate, and publish what the connectors bring. Warns of a database role that may do too much."""
    await migrate(dsn)
    async with open_runtime(settings, dsn, key) as runtime, runtime.database.transaction() as tx:
        if not await keys.is_ours(tx, runtime.vault.root.key_id):
            raise AffluxError(
                "this database is sealed with another root key; give that one, or start with an empty database"
            )
        await catalogue.publish(tx, runtime.registry.manifests)
        if await health.is_superuser(tx):
            log.warning("the database role is a superuser; give Afflux a role of its own that is not")


async def apply_ledger(settings: Settings, dsn: str, key: bytes) -> None:
    """Erase whoever came back with a restored backup. Raises `AffluxError` when nobody can tell who that is."""
    async with open_runtime(settings, dsn, key) as runtime:
        if count := await erasure.apply_ledger(runtime):
            log.warning("the database was restored: %d users who had been erased are erased again", count)
