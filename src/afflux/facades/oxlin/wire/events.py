"""Queues and their events (contract: section 5). Each event of a queue is one event of the core's log."""

from typing import Any

import msgspec

from afflux.connectors.registry import Registry
from afflux.domain.connections import ChannelState
from afflux.domain.errors import SyncErrorCode
from afflux.domain.events import Event, EventType
from afflux.domain.overviews import Snapshot
from afflux.domain.queues import Queue, QueuedEvent
from afflux.domain.syncs import SyncKind
from afflux.facades.oxlin.states import FAILURES, broken_off, going_on
from afflux.facades.oxlin.wire.accounts import AccountObject, account_object
from afflux.facades.oxlin.wire.challenges import ChallengeObject, open_challenge
from afflux.facades.oxlin.wire.connections import ConnectionObject, connection_object
from afflux.facades.oxlin.wire.providers import channels_of
from afflux.facades.oxlin.wire.values import epoch


class QueueObject(msgspec.Struct):
    """A queue."""

    id: str
    #: Seconds since 1970.
    creation_date: int


class Resource(ConnectionObject, kw_only=True, omit_defaults=True):
    """The connection as it was when the event was recorded."""

    #: Where accounts were listed.
    accounts: list[AccountObject] | None = None
    #: Where the user was asked.
    challenge: ChallengeObject | None = None


class EventObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that happened."""

    id: str
    event_type: str
    resource_type: str
    #: Seconds since 1970.
    creation_date: int
    #: Of events about one channel.
    channel_definition_id: str | None = None
    resource: Resource


#: The end of a sync, whatever it came to: that is in the resource's status (contract: section 5.2, outcome rule).
_END = "SYNC_ALL_SUCCESS"
_ENDS = (EventType.SYNC_FINISHED, EventType.SYNC_FAILED, EventType.SYNC_CANCELLED)


def queue_object(queue: Queue) -> QueueObject:
    """The queue as listed."""
    return QueueObject(str(queue.number), epoch(queue.created_at))


def event_objects(events: list[QueuedEvent], registry: Registry, public_url: str) -> list[EventObject]:
    """The events that this dialect has words for: those about providers that it has a way to."""
    known = {provider.id for provider in registry.providers() if channels_of(provider)}
    return [
        _event(queued.event, queued.snapshot, registry, public_url)
        for queued in events
        if queued.snapshot.facts.provider_id in known
    ]


def _event(event: Event, snapshot: Snapshot, registry: Registry, public_url: str) -> EventObject:
    channel_id = event.data.get("channel_id")
    return EventObject(
        id=str(event.number),
        event_type=_type(event),
        resource_type="CONNECTION",
        creation_date=epoch(event.created_at),
        channel_definition_id=None if channel_id is None else str(channel_id),
        resource=_resource(event, snapshot, registry, public_url),
    )


def _type(event: Event) -> str:
    listing = event.data.get("stage") == SyncKind.ACCOUNTS
    match event.type:
        case EventType.SYNC_ENTERED:
            return "SYNC_LIST_ACCOUNTS_STARTED" if listing else "SYNC_ALL_STARTED"
        case EventType.SYNC_LISTED:
            return "SYNC_LIST_ACCOUNTS_SUCCESS"
        case EventType.SYNC_WAITING:
            return "CHALLENGE_REQUIRED"
        case EventType.CHANNEL_AUTHENTICATED:
            return "AUTH_SUCCESS"
        case EventType.CHANNEL_FAILED:
            return FAILURES.get(SyncErrorCode(event.data["error"]), "SYNC_FAILED")
        case EventType.CHANNEL_SUCCEEDED if listing:
            return "LIST_ACCOUNTS_SUCCESS"
        case EventType.CHANNEL_SUCCEEDED:
            return "SYNC_PARTIAL_SUCCESS" if event.data.get("partial") else "SYNC_SUCCESS"
    return _END


def _resource(event: Event, snapshot: Snapshot, registry: Registry, public_url: str) -> Resource:
    shown = connection_object(
        snapshot.facts,
        _states(event, snapshot),
        registry.provider(snapshot.facts.provider_id),
        public_url,
        event.created_at,
    )
    return Resource(**_members(shown), accounts=_accounts(event, snapshot), challenge=_challenge(event, snapshot))


def _members(shown: ConnectionObject) -> dict[str, Any]:
    return {name: getattr(shown, name) for name in shown.__struct_fields__}


def _states(event: Event, snapshot: Snapshot) -> list[ChannelState]:
    """How the channels stood: each event says so itself."""
    told = msgspec.convert(event.data.get("channels", ()), list[ChannelState])
    if event.type is EventType.SYNC_CANCELLED:
        return broken_off(told, snapshot.sync.outcomes)
    if event.type in _ENDS or event.type is EventType.SYNC_LISTED:
        return told
    return going_on(told) if event.data.get("stage", snapshot.sync.stage) == SyncKind.ACCOUNTS else told


def _accounts(event: Event, snapshot: Snapshot) -> list[AccountObject] | None:
    """What was listed: all of it, while the event itself names so many at most."""
    return [account_object(account) for account in snapshot.accounts] if "accounts" in event.data else None


def _challenge(event: Event, snapshot: Snapshot) -> ChallengeObject | None:
    asking = event.type is EventType.SYNC_WAITING
    return open_challenge(snapshot.facts.number, snapshot.sync, event.created_at) if asking else None
