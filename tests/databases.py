"""Databases for tests. Each begins with one that is as if migrated just now, and most leave it so for the next.

To make a database is to copy some thousand files, which on some disks takes longer than the test it is for. So what a
test wrote is taken out again; only where more is left behind than that can undo is a new one made.
"""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

import asyncpg

_TAKE_OUT = """
    DO $$
    DECLARE name regclass;
    BEGIN
        PERFORM pg_terminate_backend(pid, 5000) FROM pg_stat_activity
        WHERE datname = current_database() AND pid <> pg_backend_pid();
        -- No foreign key is looked after, and no trigger fires.
        SET LOCAL session_replication_role = replica;
        FOR name IN SELECT oid FROM pg_class
            WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'
                  AND pg_relation_size(oid) > 0
        LOOP
            EXECUTE format('DELETE FROM %s', name);
        END LOOP;
        PERFORM setval(seqrelid, seqstart, false) FROM pg_sequence;
    END $$
"""
#: Deleted rows take room until somebody tidies up, and statistics change plans; where there are none is -1.
_IS_LIGHT = """
    SELECT max(pg_relation_size(oid)) <= 8 * 8192 AND max(reltuples) = -1
    FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
_SHAPE = """
    SELECT (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_attribute), (SELECT count(*) FROM pg_constraint)
"""
#: Somebody cut us off as well.
_LOST = (asyncpg.PostgresConnectionError, asyncpg.AdminShutdownError, asyncpg.InterfaceError)


class Databases:
    """The databases of one server, whose own is migrated and never written to. All on one event loop."""

    def __init__(self, template: str, shape: asyncpg.Record) -> None:
        self._template = template
        self._shape = shape
        self._spare: list[str] = []
        self._superusers: dict[str, asyncpg.Connection] = {}

    @classmethod
    async def of(cls, template: str) -> "Databases":
        """Let the server, which no test kills, neither wait for its disk nor do anything by itself."""
        async with _superuser(template) as superuser:
            await superuser.execute("ALTER ROLE afflux SET synchronous_commit TO off")
            await superuser.execute("ALTER SYSTEM SET autovacuum TO off")
            await superuser.execute("SELECT pg_reload_conf()")
            return cls(template, await superuser.fetchrow(_SHAPE))

    async def take(self) -> str:
        """The DSN of a database with nothing in it."""
        if self._spare:
            return self._spare.pop()
        name = f"t{uuid.uuid4().hex}"
        async with _superuser(_renamed(self._template, "postgres")) as superuser:
            await superuser.execute(f"CREATE DATABASE {name} TEMPLATE afflux OWNER afflux")
        return _renamed(self._template, name)

    async def give_back(self, dsn: str) -> None:
        """Empty it for the next test; whoever is still connected is cut off."""
        if await self._as_new(dsn):
            self._spare.append(dsn)
        else:
            await self._drop(dsn)

    async def close(self) -> None:
        """Leave the server."""
        for superuser in self._superusers.values():
            await superuser.close()

    async def _as_new(self, dsn: str) -> bool:
        """Whether everything that was written could be taken out."""
        if dsn not in self._superusers:
            self._superusers[dsn] = await _connected(dsn)
        superuser = self._superusers[dsn]
        try:
            await superuser.execute(_TAKE_OUT)
            return await superuser.fetchval(_IS_LIGHT) and await superuser.fetchrow(_SHAPE) == self._shape
        except _LOST:
            return False

    async def _drop(self, dsn: str) -> None:
        await self._superusers.pop(dsn).close()
        async with _superuser(_renamed(dsn, "postgres")) as superuser:
            await superuser.execute(f"DROP DATABASE {urlsplit(dsn).path[1:]} WITH (FORCE)")


def _renamed(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def _connected(dsn: str) -> asyncpg.Connection:
    return await asyncpg.connect(dsn.replace("//afflux@", "//postgres@"))


@asynccontextmanager
async def _superuser(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    superuser = await _connected(dsn)
    try:
        yield superuser
    finally:
        await superuser.close()
