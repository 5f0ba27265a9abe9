"""The chain of operations: each record is authenticated together with the one before it, so that no edit and no gap
stays unseen.

An application's records get their places under the lock on its `operation_chains` row, taken just before the commit:
after everything else of the transaction, and before the event log. A record that is pending has no place yet: it is
authenticated by itself, and the row counts how many there are. The key comes from the root key, which is not in the
database.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from afflux.domain.operations import NewOperation, OperationStatus, Outcome

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
            chain = await _add(connection, key, chain, each, now)
        await _keep(connection, key, chain)


async def _add(
    connection: asyncpg.Connection, key: bytes, chain: dict[str, Any], new: NewOperation | Outcome, now: datetime
) -> dict[str, Any]:
    """The chain with one more record at its end, or with one more or one less that is pending."""
    if isinstance(new, Outcome):
        row = await _end(connection, new, chain["last"] + 1, now)
        return await _link(connection, key, chain | {"pending": chain["pending"] - 1}, row)
    if new.status is not OperationStatus.PENDING:
        return await _link(connection, key, chain, await _insert(connection, new, chain["last"] + 1, now))
    row = await _insert(connection, new, None, now)
    await _set_hash(connection, new.application_id, new.id, _mac(key, _NOTHING, row))
    return chain | {"pending": chain["pending"] + 1}


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
        INSERT INTO operation_chains (application_id, first, before, last, pending, hash, seal)
        VALUES ($1, 1, $2, 0, 0, $2, '')
        ON CONFLICT (application_id) DO UPDATE SET last = operation_chains.last RETURNING *
        """,
        application_id,
        _NOTHING,
    )
    return dict(row)


async def _keep(connection: asyncpg.Connection, key: bytes, chain: dict[str, Any]) -> None:
    await connection.execute(
        """
        UPDATE operation_chains SET first = $2, before = $3, last = $4, pending = $5, hash = $6, seal = $7
        WHERE application_id = $1
        """,
        chain["application_id"],
        chain["first"],
        chain["before"],
        chain["last"],
        chain["pending"],
        chain["hash"],
        _mac(key, chain["hash"], chain),
    )


async def _insert(
    connection: asyncpg.Connection, new: NewOperation, place: int | None, now: datetime
) -> asyncpg.Record:
    return await connection.fetchrow(
        """
        INSERT INTO operations (id, application_id, user_id, kind, status, actor, reason, reason_code, counts, place,
                                started_at, ended_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING *
        """,
        new.id,
        new.application_id,
        new.user_id,
        new.kind,
        new.status,
        new.actor,
        new.reason,
        new.reason_code,
        dict(new.counts),
        place,
        now,
        None if place is None else now,
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
    return records, problems


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
    pending = await _pending(connection, chain["application_id"])
    problems += [f"pending record {row['id']} was changed" for row in pending if not _is_right(row, key, _NOTHING)]
    if len(pending) != chain["pending"]:
        problems.append(f"{len(pending)} records are pending where {chain['pending']} should be")
    return count + len(pending), problems


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


async def _pending(connection: asyncpg.Connection, application_id: UUID) -> list[asyncpg.Record]:
    return await connection.fetch(  # type: ignore[no-any-return]
        "SELECT * FROM operations WHERE application_id = $1 AND place IS NULL AND status = 'pending'", application_id
    )


async def _loose(connection: asyncpg.Connection) -> list[UUID]:
    """Records that nothing accounts for: ended without a place, or of an application without a chain."""
    rows = await connection.fetch(
        """
        -- every application: the audit of the whole server
        SELECT id FROM operations WHERE place IS NULL AND status <> 'pending'
            OR NOT EXISTS (SELECT FROM operation_chains WHERE application_id = operations.application_id)
        """
    )
    return [row["id"] for row in rows]


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
