"""Event queues of users, and reading the log through them."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import msgspec

from afflux.domain.events import Event, EventType
from afflux.domain.overviews import Snapshot
from afflux.domain.queues import Queue, QueuedEvent
from afflux.store.database import Tx
from afflux.store.rows import many, one

_COLUMNS = "id, number, position, created_at"


async def insert(tx: Tx, application_id: UUID, user_id: UUID) -> Queue:
    """Add a queue that begins where the log ends.

    Locks the log: whoever writes an event next sees the queue, and every event before has a lower position.
    """
    row = await tx.row(
        f"""
        WITH head AS (
            INSERT INTO event_heads (application_id, position) VALUES ($2, 0)
            ON CONFLICT (application_id) DO UPDATE SET position = event_heads.position RETURNING position
        )
        INSERT INTO queues (id, application_id, user_id, position, created_at, read_at)
        SELECT $1, $2, $3, head.position, $4, $4 FROM head RETURNING {_COLUMNS}
        """,
        uuid4(),
        application_id,
        user_id,
        tx.now,
    )
    return one(Queue, row, "queue")


async def of_user(tx: Tx, application_id: UUID, user_id: UUID, read_since: datetime) -> list[Queue]:
    """The user's queues that were read since then, oldest first."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM queues WHERE application_id = $1 AND user_id = $2 AND read_at > $3 ORDER BY number
        """,
        application_id,
        user_id,
        read_since,
    )
    return many(Queue, rows)


async def by_number(tx: Tx, application_id: UUID, user_id: UUID, number: int, read_since: datetime) -> Queue:
    """One of these. Raises `NotFound`."""
    row = await tx.row(
        f"""
        SELECT {_COLUMNS} FROM queues
        WHERE application_id = $1 AND user_id = $2 AND number = $3 AND read_at > $4
        """,
        application_id,
        user_id,
        number,
        read_since,
    )
    return one(Queue, row, "queue")


async def lock(tx: Tx, application_id: UUID, queue_id: UUID) -> int:
    """Be the only one who reads the queue until the transaction ends; its position. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM queues WHERE application_id = $1 AND id = $2 FOR UPDATE", application_id, queue_id
    )
    return one(Queue, row, "queue").position


async def set_position(tx: Tx, application_id: UUID, queue_id: UUID, position: int) -> None:
    """What lies up to this position is no longer in the queue."""
    await tx.execute(
        "UPDATE queues SET position = $3 WHERE application_id = $1 AND id = $2", application_id, queue_id, position
    )


async def touch(tx: Tx, application_id: UUID, queue_id: UUID, unless_since: datetime) -> None:
    """The queue was read; not written when it was noted after `unless_since`."""
    await tx.execute(
        "UPDATE queues SET read_at = $3 WHERE application_id = $1 AND id = $2 AND read_at < $4",
        application_id,
        queue_id,
        tx.now,
        unless_since,
    )


async def delete(tx: Tx, application_id: UUID, queue_id: UUID) -> None:
    """Remove a queue."""
    await tx.execute("DELETE FROM queues WHERE application_id = $1 AND id = $2", application_id, queue_id)


async def delete_unread(tx: Tx, before: datetime, limit: int) -> int:
    """Remove up to `limit` queues that nobody has read since then; how many went."""
    return await tx.execute(
        """
        -- every application: housekeeping
        DELETE FROM queues WHERE id IN (
            SELECT id FROM queues WHERE read_at <= $1 ORDER BY read_at LIMIT $2 FOR UPDATE SKIP LOCKED
        )
        """,
        before,
        limit,
    )


#: Costs as much as it returns: the snapshots of a user are in order, and each leads to its event. To its own, by
#: `LIMIT 1`: a join may go through everybody's instead.
NEWEST = """
    SELECT told.*, content
    FROM event_snapshots AS kept CROSS JOIN LATERAL (
        SELECT position, number, id, type, user_id, connection_id, sync_id, data, created_at
        FROM events WHERE application_id = $1 AND position = kept.position LIMIT 1
    ) AS told
    WHERE application_id = $1 AND kept.user_id = $2 AND kept.position > $3 ORDER BY kept.position DESC LIMIT $4
"""


async def newest(tx: Tx, application_id: UUID, user_id: UUID, after: int, limit: int) -> list[QueuedEvent]:
    """The last `limit` events of the user with a snapshot after a position, oldest first."""
    rows = await tx.fetch(NEWEST, application_id, user_id, after, limit)
    return [_queued(dict(row)) for row in reversed(rows)]


def _queued(row: dict[str, Any]) -> QueuedEvent:
    snapshot = msgspec.convert(row.pop("content"), Snapshot)
    return QueuedEvent(Event(**row | {"type": EventType(row["type"])}), snapshot)
