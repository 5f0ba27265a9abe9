"""The chain of operations: each record is authenticated together with the one before it, so that no edit and no gap
stays unseen.

An application's records get their places under the lock on its `operation_chains` row, taken just before the commit:
after everything else of the transaction, and before the event log. The key comes from the root key, which is not in
the database.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from afflux.domain.operations import NewOperation, Outcome

#: The hash before the first record.
_NOTHING = bytes(32)
#: Records read in one statement.
_PAGE = 1000


async def append(
    connection: asyncpg.Connection, key: bytes, new: Sequence[NewOperation | Outcome], now: datetime
) -> None:
    """Add records in their order. Locks the chain of each application concerned until the commit.

    Applications are locked in the order of their ids, so that two writers cannot lock each other out.
    """
    by_application = attrgetter("application_id")
    for application_id, group in groupby(sorted(new, key=by_application), by_application):
        chain = await _lock(connection, application_id)
        for each in group:
            row = await _write(connection, each, chain["last"] + 1, now)
            chain = await _link(connection, key, chain, row)
        await _keep(connection, key, chain)


async def _write(
    connection: asyncpg.Connection, new: NewOperation | Outcome, place: int, now: datetime
) -> asyncpg.Record:
    if isinstance(new, NewOperation):
        return await _insert(connection, new, place, now)
    return await _end(connection, new, place, now)


async def begin(
    connection: asyncpg.Connection, key: bytes, new: NewOperation, counts: Mapping[str, int], now: datetime
) -> None:
    """Add a pending operation. It gets its place when it has ended; until then it is authenticated by itself."""
    row = await connection.fetchrow(
        """
        INSERT INTO operations (id, application_id, user_id, kind, status, actor, reason, reason_code, counts,
                                started_at)
        VALUES ($1, $2, $3, $4, 'pending', $5, $6, $7, $8, $9) RETURNING *
        """,
        new.id,
        new.application_id,
        new.user_id,
        new.kind,
        new.actor,
        new.reason,
        new.reason_code,
        dict(counts),
        now,
    )
    await _set_hash(connection, new.application_id, new.id, _mac(key, _NOTHING, row))


async def adopt(connection: asyncpg.Connection, key: bytes) -> None:
    """Let the records from before there were chains be the beginnings of theirs."""
    by_application = attrgetter("application_id")
    records = [SimpleNamespace(**row) for row in await _unchained(connection)]
    for application_id, group in groupby(records, by_application):
        chain = await _lock(connection, application_id)
        for record in group:
            row = await _place(connection, application_id, record.id, chain["last"] + 1)
            chain = await _link(connection, key, chain, row)
        await _keep(connection, key, chain)


async def _link(
    connection: asyncpg.Connection, key: bytes, chain: dict[str, Any], row: asyncpg.Record
) -> dict[str, Any]:
    """The chain with one more record, which has its place already."""
    hash = _mac(key, chain["hash"], row)
    await _set_hash(connection, chain["application_id"], row["id"], hash)
    return chain | {"last": row["place"], "hash": hash}


def _mac(key: bytes, previous: bytes, row: Mapping[str, Any]) -> bytes:
    """The hash of a row that follows `previous`. Every column with a value counts, whatever columns there are."""
    values = {name: value for name, value in row.items() if name not in ("hash", "seal") and value is not None}
    return hmac.digest(key, previous + msgspec.json.encode(values, order="sorted"), "sha256")


async def _lock(connection: asyncpg.Connection, application_id: UUID) -> dict[str, Any]:
    row = await connection.fetchrow(
        """
        INSERT INTO operation_chains (application_id, first, before, last, hash, seal) VALUES ($1, 1, $2, 0, $2, '')
        ON CONFLICT (application_id) DO UPDATE SET last = operation_chains.last RETURNING *
        """,
        application_id,
        _NOTHING,
    )
    return dict(row)


async def _keep(connection: asyncpg.Connection, key: bytes, chain: dict[str, Any]) -> None:
    await connection.execute(
        """
        UPDATE operation_chains SET first = $2, before = $3, last = $4, hash = $5, seal = $6 WHERE application_id = $1
        """,
        chain["application_id"],
        chain["first"],
        chain["before"],
        chain["last"],
        chain["hash"],
        _mac(key, chain["hash"], chain),
    )


async def _insert(connection: asyncpg.Connection, new: NewOperation, place: int, now: datetime) -> asyncpg.Record:
    return await connection.fetchrow(
        """
        INSERT INTO operations (id, application_id, user_id, kind, status, actor, reason, reason_code, place,
                                started_at, ended_at)
        VALUES ($1, $2, $3, $4, 'successful', $5, $6, $7, $8, $9, $9) RETURNING *
        """,
        new.id,
        new.application_id,
        new.user_id,
        new.kind,
        new.actor,
        new.reason,
        new.reason_code,
        place,
        now,
    )


async def _end(connection: asyncpg.Connection, outcome: Outcome, place: int, now: datetime) -> asyncpg.Record:
    return await connection.fetchrow(
        """
        UPDATE operations SET status = $3, error_code = $4, error = $5, place = $6, ended_at = $7
        WHERE application_id = $1 AND id = $2 AND status = 'pending' RETURNING *
        """,
        outcome.application_id,
        outcome.operation_id,
        outcome.status,
        outcome.error_code,
        outcome.error,
        place,
        now,
    )


async def _set_hash(connection: asyncpg.Connection, application_id: UUID, operation_id: UUID, hash: bytes) -> None:
    await connection.execute(
        "UPDATE operations SET hash = $3 WHERE application_id = $1 AND id = $2", application_id, operation_id, hash
    )


async def verify(connection: asyncpg.Connection, key: bytes) -> tuple[int, list[str]]:
    """How many records all chains hold, and what is wrong with them, a sentence each.

    Within a transaction: nothing is added to a chain that was looked at until it ends.
    """
    records, problems = 0, [f"record {id} is in no chain" for id in await _loose(connection)]
    for chain in await _all(connection):
        count, found = await _check(connection, key, dict(chain))
        records += count
        problems += [f"application {chain['application_id']}: {each}" for each in found]
    pending = await _pending(connection)
    edited = [row["id"] for row in pending if not _is_right(row, key, _NOTHING)]
    return records + len(pending), problems + [f"pending record {id} was changed" for id in edited]


async def _check(connection: asyncpg.Connection, key: bytes, chain: dict[str, Any]) -> tuple[int, list[str]]:
    problems = [] if hmac.compare_digest(chain["seal"], _mac(key, chain["hash"], chain)) else ["its ends were changed"]
    place, previous, count = chain["first"] - 1, chain["before"], 0
    while page := await _after(connection, chain["application_id"], place if count else None):
        for row in page:
            if row["place"] != place + 1:
                problems.append(f"there is a gap before record {row['place']}")
            elif not _is_right(row, key, previous):
                problems.append(f"record {row['place']} was changed")
            place, previous, count = row["place"], row["hash"] or b"", count + 1
    if (place, previous) != (chain["last"], chain["hash"]):
        problems.append(f"record {place} is not the last one")
    return count, problems


def _is_right(row: asyncpg.Record, key: bytes, previous: bytes) -> bool:
    return hmac.compare_digest(row["hash"] or b"", _mac(key, previous, row))


async def _all(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch(  # type: ignore[no-any-return]
        """
        -- every application: the audit of the whole server
        SELECT * FROM operation_chains ORDER BY application_id FOR SHARE
        """
    )


async def _after(connection: asyncpg.Connection, application_id: UUID, place: int | None) -> list[asyncpg.Record]:
    return await connection.fetch(  # type: ignore[no-any-return]
        """
        SELECT * FROM operations WHERE application_id = $1 AND place IS NOT NULL AND ($2::bigint IS NULL OR place > $2)
        ORDER BY place LIMIT $3
        """,
        application_id,
        place,
        _PAGE,
    )


async def _pending(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch(  # type: ignore[no-any-return]
        """
        -- every application: the audit of the whole server
        SELECT * FROM operations WHERE place IS NULL AND status = 'pending'
        """
    )


async def _loose(connection: asyncpg.Connection) -> list[UUID]:
    """Records that nothing accounts for: ended without a place, or of an application without a chain."""
    rows = await connection.fetch(
        """
        -- every application: the audit of the whole server
        SELECT id FROM operations WHERE status <> 'pending' AND (place IS NULL
            OR NOT EXISTS (SELECT FROM operation_chains WHERE application_id = operations.application_id))
        """
    )
    return [row["id"] for row in rows]


async def _unchained(connection: asyncpg.Connection) -> list[asyncpg.Record]:
    return await connection.fetch(  # type: ignore[no-any-return]
        """
        -- every application: what an older version left
        SELECT id, application_id FROM operations WHERE place IS NULL AND status <> 'pending'
            AND NOT EXISTS (SELECT FROM operation_chains WHERE application_id = operations.application_id)
        ORDER BY application_id, number
        """
    )


async def _place(
    connection: asyncpg.Connection, application_id: UUID, operation_id: UUID, place: int
) -> asyncpg.Record:
    return await connection.fetchrow(
        "UPDATE operations SET place = $3 WHERE application_id = $1 AND id = $2 RETURNING *",
        application_id,
        operation_id,
        place,
    )


async def with_old(connection: asyncpg.Connection, moment: datetime) -> list[UUID]:
    """The applications whose chains have records that ended before `moment`."""
    rows = await connection.fetch(
        """
        -- every application: housekeeping
        SELECT DISTINCT application_id FROM operations WHERE ended_at < $1
        """,
        moment,
    )
    return [row["application_id"] for row in rows]


async def cut(connection: asyncpg.Connection, key: bytes, application_id: UUID, moment: datetime) -> None:
    """Delete the records from the chain's beginning up to the first that ended at `moment` or later."""
    chain = await _lock(connection, application_id)
    gone = await connection.fetch(
        """
        DELETE FROM operations WHERE application_id = $1 AND place < coalesce(
            (SELECT min(place) FROM operations WHERE application_id = $1 AND ended_at >= $2), $3
        ) RETURNING place, hash
        """,
        application_id,
        moment,
        chain["last"] + 1,
    )
    if gone:
        newest = max(gone, key=itemgetter("place"))
        await _keep(connection, key, chain | {"first": newest["place"] + 1, "before": newest["hash"]})
