"""The event log: positions by commit order, so that a reader who remembers one never skips an event.

An event gets its position while its writer holds the lock on the application's `event_heads` row, which it keeps
until it commits. A position is therefore visible only after every lower one.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from uuid import UUID, uuid4

import asyncpg

from afflux.domain.events import Event, EventType, NewEvent


async def append(connection: asyncpg.Connection, new: Sequence[NewEvent], now: datetime) -> None:
    """Add events in their order. Call as the last thing before the commit: it locks the log of each application
    concerned.

    Applications are locked in the order of their ids, so that two writers cannot lock each other out.
    """
    by_application = attrgetter("application_id")
    for application_id, group in groupby(sorted(new, key=by_application), by_application):
        batch = list(group)
        last = await _advance(connection, application_id, len(batch))
        await _insert(connection, application_id, last - len(batch), batch, now)


async def _advance(connection: asyncpg.Connection, application_id: UUID, count: int) -> int:
    last: int = await connection.fetchval(
        """
        INSERT INTO event_heads (application_id, position) VALUES ($1, $2)
        ON CONFLICT (application_id) DO UPDATE SET position = event_heads.position + $2
        RETURNING position
        """,
        application_id,
        count,
    )
    return last


async def _insert(
    connection: asyncpg.Connection, application_id: UUID, before: int, batch: Sequence[NewEvent], now: datetime
) -> None:
    await connection.execute(
        """
        INSERT INTO events (application_id, position, id, type, user_id, connection_id, sync_id, data, created_at)
        SELECT $1, $2 + place, id, type, user_id, connection_id, sync_id, data, $9
        FROM unnest($3::uuid[], $4::text[], $5::uuid[], $6::uuid[], $7::uuid[], $8::jsonb[])
             WITH ORDINALITY AS new (id, type, user_id, connection_id, sync_id, data, place)
        """,
        application_id,
        before,
        [uuid4() for _ in batch],
        [event.type for event in batch],
        [event.user_id for event in batch],
        [event.connection_id for event in batch],
        [event.sync_id for event in batch],
        [dict(event.data) for event in batch],
        now,
    )


def _event(row: asyncpg.Record) -> Event:
    values = dict(row)
    values["type"] = EventType(values["type"])
    return Event(**values)


async def after(connection: asyncpg.Connection, application_id: UUID, position: int, limit: int) -> list[Event]:
    """Up to `limit` events with a higher position, oldest first."""
    rows = await connection.fetch(
        """
        SELECT position, number, id, type, user_id, connection_id, sync_id, data, created_at
        FROM events WHERE application_id = $1 AND position > $2 ORDER BY position LIMIT $3
        """,
        application_id,
        position,
        limit,
    )
    return [_event(row) for row in rows]


async def last_position(connection: asyncpg.Connection, application_id: UUID) -> int:
    """The highest position given so far; 0 for an empty log."""
    position: int | None = await connection.fetchval(
        "SELECT position FROM event_heads WHERE application_id = $1", application_id
    )
    return position or 0
