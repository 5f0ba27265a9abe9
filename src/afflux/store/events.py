"""The event log: positions by commit order, so that a reader who remembers one never skips an event.

An event gets its position while its writer holds the lock on the application's `event_heads` row, which it keeps
until it commits. A position is therefore visible only after every lower one.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from afflux.domain.errors import NotFound
from afflux.domain.events import STATES_OF_A_SYNC, Event, EventType, NewEvent
from afflux.store import snapshots


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
        await snapshots.take(connection, application_id, last - len(batch), [event.type for event in batch])


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


def _event(row: asyncpg.Record | dict[str, Any]) -> Event:
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


#: Written out, since the planner takes the index of these types for nothing else.
_STATES = ", ".join(f"'{type}'" for type in STATES_OF_A_SYNC)


async def page_of_states(
    connection: asyncpg.Connection, application_id: UUID, since: datetime, first: int, limit: int
) -> tuple[int, list[Event]]:
    """How many of the application's events since then tell of a sync's state, and `limit` of them from index `first`,
    newest first: both of the same moment.

    What has to be skipped is skipped from the nearer end.
    """
    rows = await connection.fetch(
        f"""
        WITH counted AS MATERIALIZED (
            SELECT count(*) AS total FROM events
            WHERE application_id = $1 AND type IN ({_STATES}) AND created_at >= $2
        ), place AS MATERIALIZED (
            (
                SELECT position FROM events
                WHERE application_id = $1 AND type IN ({_STATES}) AND created_at >= $2
                  AND 2 * $3::bigint < (SELECT total FROM counted)
                ORDER BY position DESC OFFSET $3 LIMIT $4
            ) UNION ALL (
                SELECT position FROM events
                WHERE application_id = $1 AND type IN ({_STATES}) AND created_at >= $2
                  AND 2 * $3 >= (SELECT total FROM counted)
                ORDER BY position OFFSET greatest((SELECT total FROM counted) - $3 - $4, 0)
                LIMIT greatest(least((SELECT total FROM counted) - $3, $4), 0)
            )
        )
        SELECT total, position, number, id, type, user_id, connection_id, sync_id, data, created_at
        FROM counted LEFT JOIN (
            SELECT * FROM events WHERE application_id = $1 AND position = ANY (ARRAY(SELECT position FROM place))
        ) AS page ON true ORDER BY position DESC
        """,
        application_id,
        since,
        first,
        limit,
    )
    page = [dict(row) for row in rows]
    totals = [values.pop("total") for values in page]
    return totals[0], [_event(values) for values in page if values["id"] is not None]


async def state_by_id(connection: asyncpg.Connection, application_id: UUID, since: datetime, event_id: UUID) -> Event:
    """One of the events that `page_of_states` pages through. Raises `NotFound`."""
    row = await connection.fetchrow(
        f"""
        SELECT position, number, id, type, user_id, connection_id, sync_id, data, created_at
        FROM events WHERE application_id = $1 AND id = $2 AND type IN ({_STATES}) AND created_at >= $3
        """,
        application_id,
        event_id,
        since,
    )
    if row is None:
        raise NotFound("event not found")
    return _event(row)


async def delete_before(connection: asyncpg.Connection, moment: datetime, limit: int) -> int:
    """Delete up to `limit` events from before `moment`, oldest first; how many went.

    Leaves out those that somebody else deletes, and needs no lock on any log: positions are counted elsewhere.
    """
    status: str = await connection.execute(
        """
        -- every application: housekeeping
        DELETE FROM events WHERE (application_id, position) IN (
            SELECT application_id, position FROM events WHERE created_at < $1
            ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        moment,
        limit,
    )
    return int(status.rpartition(" ")[2])
