"""What is over goes: events that are too old, connect pages that nobody ended, queues that nobody reads."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

from afflux.config import Settings
from afflux.store import connect_sessions, events, library_sessions, nonces, queues
from afflux.store.database import Database, Tx

#: Rows of one transaction.
_BATCH = 1000
#: After which a session in which a library is read is forgotten, with the consent that led to it.
_UNREAD = timedelta(hours=1)


async def clear(database: Database, settings: Settings) -> None:
    """Delete all that is over, oldest first, and in small transactions so that nobody waits for it."""
    kept, idle = timedelta(days=settings.event_days), timedelta(seconds=settings.oxlin_queue_seconds)
    await _in_batches(database, lambda tx: events.delete_before(tx.connection, tx.now - kept, _BATCH))
    await _in_batches(database, lambda tx: connect_sessions.delete_expired(tx, _BATCH))
    await _in_batches(database, lambda tx: queues.delete_unread(tx, tx.now - idle, _BATCH))
    await _in_batches(database, lambda tx: nonces.delete_over(tx, _BATCH))
    await _in_batches(database, lambda tx: library_sessions.delete_over(tx, tx.now - _UNREAD, _BATCH))


async def _in_batches(database: Database, delete: Callable[[Tx], Awaitable[int]]) -> None:
    count = _BATCH
    while count == _BATCH:
        async with database.transaction() as tx:
            count = await delete(tx)
