"""Facts that happened, one ordered log for each application.

Payloads are thin: ids, states and counts, never names, texts or amounts, and under 20 kB.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class EventType(StrEnum):
    """Everything that can happen. A new type is a line here and a `tx.record` in the service where it happens."""

    USER_REGISTERED = "user.registered"
    USER_ERASED = "user.erased"
    CONNECTION_CREATED = "connection.created"
    CONNECTION_UPDATED = "connection.updated"
    CONNECTION_DELETED = "connection.deleted"
    SYNC_REQUESTED = "sync.requested"
    SYNC_STARTED = "sync.started"
    SYNC_PROGRESSED = "sync.progressed"
    SYNC_WAITING = "sync.waiting"
    SYNC_ANSWERED = "sync.answered"
    #: Failed for now; tried again by itself.
    SYNC_POSTPONED = "sync.postponed"
    #: One of its stages begins, listing the accounts or fetching their data: once each.
    SYNC_ENTERED = "sync.entered"
    #: The accounts are listed; the sync goes on with their data.
    SYNC_LISTED = "sync.listed"
    SYNC_FINISHED = "sync.finished"
    SYNC_FAILED = "sync.failed"
    SYNC_CANCELLED = "sync.cancelled"
    CHANNEL_AUTHENTICATED = "channel.authenticated"
    CHANNEL_SUCCEEDED = "channel.succeeded"
    CHANNEL_FAILED = "channel.failed"
    ACCOUNT_ADDED = "account.added"
    ACCOUNT_CHANGED = "account.changed"
    ACCOUNT_RESTORED = "account.restored"
    #: The provider no longer lists it.
    ACCOUNT_MISSING = "account.missing"
    #: Its user deleted it here.
    ACCOUNT_DELETED = "account.deleted"
    #: `added`, `changed` and `removed` hold transaction ids, at most `IDS_PER_EVENT` together.
    TRANSACTIONS_CHANGED = "transactions.changed"
    DOCUMENT_ADDED = "document.added"
    DOCUMENT_CHANGED = "document.changed"


#: Those that say that a sync is in another state, or further on, than before.
STATES_OF_A_SYNC = (
    EventType.SYNC_REQUESTED,
    EventType.SYNC_STARTED,
    EventType.SYNC_PROGRESSED,
    EventType.SYNC_WAITING,
    EventType.SYNC_ANSWERED,
    EventType.SYNC_POSTPONED,
    EventType.SYNC_FINISHED,
    EventType.SYNC_FAILED,
    EventType.SYNC_CANCELLED,
)

#: So that a payload stays well under 20 kB.
IDS_PER_EVENT = 250


@dataclass(frozen=True, slots=True)
class NewEvent:
    """A fact that a transaction is about to make true."""

    application_id: UUID
    type: EventType
    user_id: UUID | None
    data: Mapping[str, Any] = field(default_factory=dict)
    connection_id: UUID | None = None
    sync_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Event:
    """A recorded fact. `position` orders the application's log without ever letting a reader skip one."""

    position: int
    #: Unique and rising over the whole server.
    number: int
    id: UUID
    type: EventType
    user_id: UUID | None
    connection_id: UUID | None
    sync_id: UUID | None
    data: Mapping[str, Any]
    created_at: datetime
