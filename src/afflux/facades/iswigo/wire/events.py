"""Events (contract: sections 6.8 and 7.7): each core event that tells of a sync's state is one of these."""

import msgspec

from afflux.domain.errors import SyncErrorCode
from afflux.domain.events import Event, EventType
from afflux.facades.iswigo.wire import states
from afflux.facades.iswigo.wire.states import State
from afflux.facades.iswigo.wire.values import utc_time


class EventData(msgspec.Struct, kw_only=True):
    """How a connection stood from this event on."""

    connection_id: str
    user_id: str
    status: str
    #: The step that the user was asked for, with the status `waiting user`.
    step: str | None
    #: Percent.
    progression: int | None
    #: The number of the error, as text; left out without one.
    errno: str | msgspec.UnsetType = msgspec.UNSET


class EventObject(msgspec.Struct):
    """A fact that happened."""

    event_id: str
    #: UTC, such as `2031-02-03T09:12:44+00:00`.
    create_time: str
    type: str
    data: EventData


def event_object(event: Event) -> EventObject:
    """The event as listed, read and delivered. It is one of `domain.events.STATES_OF_A_SYNC`."""
    state = state_after(event)
    data = EventData(
        connection_id=str(event.connection_id),
        user_id=str(event.user_id),
        status=state.status,
        step=state.step,
        progression=state.progression,
        errno=msgspec.UNSET if state.errno is None else str(state.errno),
    )
    return EventObject(str(event.id), utc_time(event.created_at), "connection.status", data)


def state_after(event: Event) -> State:
    """Where the connection stood from this event on."""
    match event.type:
        case EventType.SYNC_STARTED | EventType.SYNC_PROGRESSED:
            return states.running(event.data.get("interactive", True), event.data.get("percent"))
        case EventType.SYNC_WAITING:
            return states.waiting(event.data["step"])
        case EventType.SYNC_FINISHED:
            return states.FINISHED
        case EventType.SYNC_FAILED:
            return states.failed(SyncErrorCode(event.data["error"]))
        case EventType.SYNC_CANCELLED:
            return states.CANCELLED
        case _:  # requested, answered, postponed
            return states.PENDING
