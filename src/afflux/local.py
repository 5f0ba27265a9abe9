"""How a command gets at the database: through the server that runs on the data folder, or by starting one for its own
time.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from afflux.config import Settings
from afflux.datafolder import DataFolder, is_served, open_data_folder
from afflux.domain.errors import AffluxError, InvalidInput
from afflux.postgres import EmbeddedPostgres, embedded_dsn
from afflux.runtime import Runtime, open_runtime
from afflux.store import catalogue, health, keys
from afflux.store.migrate import migrate
from afflux.worker import AWAY, Worker

log = logging.getLogger(__name__)

#: Seconds a command waits for a server that is just starting.
_PATIENCE = 30.0
#: What says that the database is away, leaving out what the files say that a command reads and writes.
_LOST = (*(error for error in AWAY if error is not OSError), ConnectionError)


def root_key(settings: Settings, data: DataFolder) -> bytes:
    """The key that wraps all others: from the settings, or the data folder's file."""
    if settings.root_key is None:
        return data.root_key()
    try:
        key = bytes.fromhex(settings.root_key)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise InvalidInput("AFFLUX_ROOT_KEY must be 64 hexadecimal digits")
    return key


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


def connection_of(settings: Settings) -> tuple[str, bytes]:
    """DSN and root key for one part of a running server. Raises `AffluxError` when no server prepared the database."""
    data = open_data_folder(settings.data)
    if settings.database_url is None and not is_served(data.path):
        raise AffluxError(f"no server runs on {data.path}; start `afflux serve`, or set AFFLUX_DATABASE_URL")
    return settings.database_url or embedded_dsn(data), root_key(settings, data)


@asynccontextmanager
async def command_runtime(settings: Settings, *, work: bool = False) -> AsyncIterator[Runtime]:
    """A runtime for the time of one command, beside a running server or without one.

    Without one the embedded PostgreSQL is started and stopped again; with `work` a worker runs for as long, too.
    Raises `AffluxError` when the database cannot be reached or goes away.
    """
    try:
        async with _runtime(settings, work) as runtime:
            yield runtime
    except asyncpg.DataError:
        raise
    except _LOST:
        raise AffluxError("the database does not answer, or went away meanwhile; try again") from None


@asynccontextmanager
async def _runtime(settings: Settings, work: bool) -> AsyncIterator[Runtime]:
    data = open_data_folder(settings.data)
    key = root_key(settings, data)
    if settings.database_url is not None:
        await prepare(settings, settings.database_url, key)
        async with open_runtime(settings, settings.database_url, key) as runtime:
            yield runtime
    elif is_served(data.path):
        await _answering(embedded_dsn(data))
        async with open_runtime(settings, embedded_dsn(data), key) as runtime:
            yield runtime
    else:
        async with _own_server(settings, data, key, work) as runtime:
            yield runtime


@asynccontextmanager
async def _own_server(settings: Settings, data: DataFolder, key: bytes, work: bool) -> AsyncIterator[Runtime]:
    postgres = EmbeddedPostgres(data)
    with data.lock():
        await postgres.start()
        try:
            await prepare(settings, postgres.dsn, key)
            async with open_runtime(settings, postgres.dsn, key) as runtime, _working(runtime, wanted=work):
                yield runtime
        finally:
            await postgres.stop()


@asynccontextmanager
async def _working(runtime: Runtime, *, wanted: bool) -> AsyncIterator[None]:
    """A worker at work, where one is wanted."""
    if not wanted:
        yield
        return
    stop = asyncio.Event()
    worker = asyncio.create_task(Worker(runtime).run(stop))
    try:
        yield
    finally:
        stop.set()
        await worker


async def _answering(dsn: str) -> None:
    """Wait until the server on the folder has started and migrated."""
    try:
        async with asyncio.timeout(_PATIENCE):
            while not await _answers(dsn):
                await asyncio.sleep(0.1)
    except TimeoutError:
        raise AffluxError("the server on this data folder does not answer") from None


async def _answers(dsn: str) -> bool:
    try:
        connection = await asyncpg.connect(dsn)
    except AWAY:
        return False
    try:
        return bool(await connection.fetchval("SELECT to_regclass('pgqueuer') IS NOT NULL"))
    finally:
        await connection.close()
