"""The pool of connections, and the transaction that every use case works in."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import msgspec
from asyncpg.pool import PoolConnectionProxy

from afflux.domain.clock import Clock
from afflux.domain.events import NewEvent
from afflux.domain.operations import NewOperation, Outcome
from afflux.store import chain, events

JSONB_VERSION = b"\x01"
#: What says that the database is away, not that we are wrong.
AWAY = (
    OSError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    # How a connection that broke within a transaction complains when that is to be rolled back.
    asyncpg.InternalClientError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    # A statement took longer than this process has time for.
    asyncpg.QueryCanceledError,
)
#: What a process may be silent in a transaction before its locks go: one that hangs must not hold up all others.
_LONGEST_SILENCE = "30s"
#: Seconds after which a connection that nobody needed is closed.
_SPARE = 30.0


def _encode_jsonb(value: object) -> bytes:
    """Text is JSON already (the queue writes it so); anything else becomes JSON."""
    return JSONB_VERSION + (value.encode() if isinstance(value, str) else msgspec.json.encode(value))


def _decode_jsonb(data: bytes) -> Any:
    return msgspec.json.decode(data[1:])


async def _prepare(connection: asyncpg.Connection) -> None:
    """Read and write jsonb in its binary form, which COPY needs as well."""
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=_encode_jsonb, decoder=_decode_jsonb, format="binary"
    )


async def _leave(connection: asyncpg.Connection) -> None:
    """Give a connection back as it is: nothing that is done here outlives its transaction, and to have that made sure
    would be a statement more for every use.
    """


@dataclass(slots=True)
class Tx:
    """One database transaction. What is recorded in it, acts on users and events, is written just before the commit."""

    connection: PoolConnectionProxy
    #: The moment the transaction began, by the server's clock; every time written in it.
    now: datetime
    #: What authenticates records of acts on users.
    audit_key: bytes = field(repr=False)
    _events: list[NewEvent] = field(default_factory=list)
    _operations: list[NewOperation | Outcome] = field(default_factory=list)

    def act(self, operation: NewOperation | Outcome) -> None:
        """Put an act on a user, or what a pending one has come to, on record with this transaction."""
        self._operations.append(operation)

    def record(self, event: NewEvent) -> None:
        """Make `event` part of this transaction: it is in the log exactly when the transaction commits."""
        self._events.append(event)

    async def flush(self) -> None:
        """Write what was recorded. Chains and logs are locked from here to the commit, in this order, so this comes
        last.
        """
        acts, self._operations = self._operations, []
        await chain.append(self.connection, self.audit_key, acts, self.now)
        pending, self._events = self._events, []
        await events.append(self.connection, pending, self.now)

    async def fetch(self, sql: str, *args: object) -> list[asyncpg.Record]:
        """All rows."""
        return await self.connection.fetch(sql, *args)  # type: ignore[no-any-return]

    async def row(self, sql: str, *args: object) -> asyncpg.Record | None:
        """The first row, or None."""
        return await self.connection.fetchrow(sql, *args)

    async def value(self, sql: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        return await self.connection.fetchval(sql, *args)

    async def execute(self, sql: str, *args: object) -> int:
        """Run a statement; the number of rows it touched."""
        status: str = await self.connection.execute(sql, *args)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def copy(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """Add many rows by COPY."""
        await self.connection.copy_records_to_table(table, columns=columns, records=rows)


class Database:
    """Connections to one PostgreSQL."""

    def __init__(self, pool: asyncpg.Pool, clock: Clock, audit_key: bytes) -> None:
        self.pool = pool
        self.clock = clock
        self._audit_key = audit_key

    @classmethod
    async def open(
        cls,
        dsn: str,
        clock: Clock,
        audit_key: bytes,
        *,
        size: int = 10,
        statement_seconds: float = 0,
        plan_once: bool = False,
    ) -> "Database":
        """Connect. Close with `close`. A statement may take so many seconds; without a number, as long as it likes.

        With `plan_once`, PostgreSQL plans a statement for all values at once: for small statements in great number,
        which take less time than their plans.
        """
        pool = await asyncpg.create_pool(
            dsn,
            # No connection is kept for its own sake: each costs PostgreSQL some 6 MB, and a pool that has to keep one
            # fills the log while the database is away.
            min_size=0,
            max_size=size,
            max_inactive_connection_lifetime=_SPARE,
            init=_prepare,
            reset=_leave,
            server_settings={
                "application_name": "afflux",
                "idle_in_transaction_session_timeout": _LONGEST_SILENCE,
                "statement_timeout": f"{round(statement_seconds * 1000)}ms",
                "plan_cache_mode": "force_generic_plan" if plan_once else "auto",
            },
        )
        return cls(pool, clock, audit_key)

    async def close(self) -> None:
        """Give all connections back, at once for those still in use after five seconds."""
        try:
            await asyncpg.compat.wait_for(self.pool.close(), 5)
        except TimeoutError:
            self.pool.terminate()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Tx]:
        """A transaction that commits at the end of the block, or rolls back with the exception that leaves it."""
        async with self.pool.acquire() as connection, connection.transaction():
            tx = Tx(connection, self.clock.now(), self._audit_key)
            yield tx
            await tx.flush()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Tx]:
        """A connection for a few reads without a transaction around them: each statement sees its own moment."""
        async with self.pool.acquire() as connection:
            yield Tx(connection, self.clock.now(), self._audit_key)
