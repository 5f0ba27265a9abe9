"""How a command gets at the database: through the server that runs on the data folder, or by starting one for its own
time.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from afflux.access import root_key
from afflux.config import Settings
from afflux.datafolder import DataFolder, is_served, open_data_folder
from afflux.domain.errors import AffluxError
from afflux.postgres import EmbeddedPostgres, embedded_dsn
from afflux.prepare import prepare
from afflux.runtime import Runtime, open_runtime
from afflux.store.database import AWAY
from afflux.worker import Worker

#: Seconds a command waits for a server that is just starting.
_PATIENCE = 30.0
#: What says that the database is away, leaving out what the files say that a command reads and writes.
_LOST = (*(error for error in AWAY if error is not OSError), ConnectionError)


@asynccontextmanager
async def command_runtime(settings: Settings, *, work: bool = False) -> AsyncIterator[Runtime]:
    """A runtime for the time of one command, beside a running server or without one.

    Without one the embedded PostgreSQL is started and stopped again. With `work` a worker runs for as long, unless
    there is a server, which has its own.
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
        async with open_runtime(settings, settings.database_url, key) as runtime, _working(runtime, wanted=work):
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
