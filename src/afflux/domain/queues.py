"""Event queues: readers of the log that speak for one user."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from afflux.domain.events import Event
from afflux.domain.overviews import Snapshot


@dataclass(frozen=True, slots=True)
class Queue:
    """One reader."""

    id: UUID
    number: int
    #: Of the last event that is not, or no longer, in it.
    position: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class QueuedEvent:
    """A fact, and what its connection was then."""

    event: Event
    snapshot: Snapshot
