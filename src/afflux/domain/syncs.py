"""One run that refreshes a connection, and its state machine (design: section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from afflux.domain.errors import SyncErrorCode


class SyncKind(StrEnum):
    """What a sync refreshes. `ACCOUNTS` lists the accounts (bringing deleted ones back) and goes on as `ALL` by
    itself.
    """

    ACCOUNTS = "accounts"
    ALL = "all"


class SyncStatus(StrEnum):
    """Where a sync stands."""

    #: Asked for; a job will run it.
    PENDING = "pending"
    #: A worker runs it.
    RUNNING = "running"
    #: It needs the human; no worker holds it.
    WAITING = "waiting"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        """Whether it is still to end."""
        return self in ACTIVE


ACTIVE = frozenset({SyncStatus.PENDING, SyncStatus.RUNNING, SyncStatus.WAITING})

#: Every step a sync may take; the store's statements and a property test hold to it.
TRANSITIONS: dict[SyncStatus, frozenset[SyncStatus]] = {
    SyncStatus.PENDING: frozenset({SyncStatus.RUNNING, SyncStatus.FAILED, SyncStatus.CANCELLED}),
    SyncStatus.RUNNING: frozenset(
        {
            SyncStatus.RUNNING,  # taken over from a dead worker
            SyncStatus.PENDING,  # a temporary failure, or handed back at shutdown
            SyncStatus.WAITING,
            SyncStatus.FINISHED,
            SyncStatus.FAILED,
            SyncStatus.CANCELLED,
        }
    ),
    SyncStatus.WAITING: frozenset(
        {
            SyncStatus.RUNNING,  # a look whether a decoupled challenge was approved
            SyncStatus.PENDING,
            SyncStatus.FAILED,
            SyncStatus.CANCELLED,
        }
    ),
    SyncStatus.FINISHED: frozenset(),
    SyncStatus.FAILED: frozenset(),
    SyncStatus.CANCELLED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Sync:
    """One synchronisation of one connection."""

    id: UUID
    number: int
    application_id: UUID
    user_id: UUID
    connection_id: UUID
    provider_id: int
    kind: SyncKind
    #: Asked for while this one ran and not covered by it: starts when this one has ended.
    then_kind: SyncKind | None
    #: Where an `ACCOUNTS` sync is: listing, or already in its `ALL` part.
    stage: SyncKind
    #: The user is there and can answer a challenge.
    interactive: bool
    status: SyncStatus
    #: The fence: raised whenever a worker begins; a run writes only while this is its own number.
    attempt: int
    job_id: int | None
    #: How often a worker died with it.
    losses: int
    #: How many of them since it last stored something new: one that gets no further is given up.
    losses_here: int
    retries: int
    #: By channel id (as text): what the channel came to in this stage: `success` or an error code.
    outcomes: Mapping[str, str]
    #: The channel that runs or waits now.
    channel_id: int | None
    #: The channel whose provider last let this stage in.
    let_in: int | None
    phase: str | None
    percent: int | None
    error_code: SyncErrorCode | None
    error_detail: str | None
    #: The open challenge as shown to the user; see `domain.challenges`.
    challenge: Mapping[str, Any] | None
    challenge_expires_at: datetime | None
    #: Sealed: what the connector wants back with the answer, and the answer.
    parked: bytes | None = field(repr=False)
    answer: bytes | None = field(repr=False)
    #: Counts of what changed, and warnings.
    result: Mapping[str, Any]
    requested_at: datetime
    started_at: datetime | None
    deadline_at: datetime | None
    ended_at: datetime | None
