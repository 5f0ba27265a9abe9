"""Events: how the connections of all users fared (contract: section 5.8)."""

from datetime import timedelta
from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.given import GivenApplication, GivenRuntime
from afflux.facades.iswigo.ranges import DEFAULT, Range, RangeText, ranged
from afflux.facades.iswigo.requests import JsonRequest
from afflux.facades.iswigo.wire.events import EventObject, event_object
from afflux.store import events as store
from afflux.web.answers import answer


@get("/events", responses=problems())
async def list_events(
    request: JsonRequest, runtime: GivenRuntime, application: GivenApplication, range_text: RangeText = DEFAULT
) -> Response[list[EventObject]]:
    """The events of all users of the application, newest first, as far back as they are kept."""
    window = Range.parse(range_text)
    kept = timedelta(days=runtime.settings.event_days)
    async with runtime.database.reading() as tx:
        total, held = await store.page_of_states(
            tx.connection, application.id, tx.now - kept, window.first, window.width
        )
    return ranged(
        request, "events", window, [event_object(event) for event in held], total, runtime.settings.public_url
    )


@get("/events/{event_id:uuid}", responses=problems(404))
async def get_event(
    event_id: FromPath[UUID], runtime: GivenRuntime, application: GivenApplication
) -> Response[EventObject]:
    """One event."""
    kept = timedelta(days=runtime.settings.event_days)
    async with runtime.database.reading() as tx:
        return answer(event_object(await store.state_by_id(tx.connection, application.id, tx.now - kept, event_id)))


HANDLERS = (list_events, get_event)
