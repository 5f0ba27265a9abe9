"""Event queues: made before a sync, read while it goes on."""

from dataclasses import dataclass
from datetime import timedelta

from afflux.config import Settings
from afflux.domain.errors import NotFound
from afflux.domain.queues import Queue, QueuedEvent
from afflux.domain.users import User
from afflux.store import queues as store
from afflux.store import users
from afflux.store.database import Tx


@dataclass(frozen=True, slots=True)
class Rules:
    """What an operator wants of queues."""

    #: Events that a queue holds: the newest.
    most: int
    #: Reading removes what was read.
    drain: bool
    #: A queue that nobody reads for so long is gone.
    idle: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "Rules":
        """As the settings say."""
        return cls(
            settings.oxlin_queue_events, settings.oxlin_queue_drain, timedelta(seconds=settings.oxlin_queue_seconds)
        )


async def create(tx: Tx, user: User) -> Queue:
    """A queue for what happens from now on. Raises `NotFound` when the user is gone."""
    if not await users.share(tx, user.application_id, user.id):
        raise NotFound("user not found")
    return await store.insert(tx, user.application_id, user.id)


async def of_user(tx: Tx, rules: Rules, user: User) -> list[Queue]:
    """The user's queues, oldest first."""
    return await store.of_user(tx, user.application_id, user.id, tx.now - rules.idle)


async def read(tx: Tx, rules: Rules, user: User, number: int) -> list[QueuedEvent]:
    """What is in the queue, oldest first. Raises `NotFound`."""
    queue = await store.by_number(tx, user.application_id, user.id, number, tx.now - rules.idle)
    # Not at every look, since clients look every second or so.
    await store.touch(tx, user.application_id, queue.id, tx.now - rules.idle / 1000)
    position = await store.lock(tx, user.application_id, queue.id) if rules.drain else queue.position
    found = await store.newest(tx, user.application_id, user.id, position, rules.most)
    if rules.drain and found:
        await store.set_position(tx, user.application_id, queue.id, found[-1].event.position)
    return found


async def delete(tx: Tx, rules: Rules, user: User, number: int) -> None:
    """Remove a queue. Raises `NotFound`."""
    queue = await store.by_number(tx, user.application_id, user.id, number, tx.now - rules.idle)
    await store.delete(tx, user.application_id, queue.id)
