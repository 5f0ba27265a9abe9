"""Event queues (contract: sections 3.7 and 5)."""

from litestar import Response, delete, get, post
from litestar.params import FromPath

from afflux.facades.oxlin.auth import by_user
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.given import GivenPage, GivenRuntime, GivenUser
from afflux.facades.oxlin.scopes import MANAGE_CONNECTIONS, SYNC_CONNECTIONS
from afflux.facades.oxlin.wire.events import EventObject, QueueObject, event_objects, queue_object
from afflux.facades.oxlin.wire.values import answer, number_of
from afflux.services import queues
from afflux.services.queues import Rules

_uses = by_user(SYNC_CONNECTIONS, MANAGE_CONNECTIONS)


@post("/queues", status_code=201, guards=[_uses], responses=problems())
async def create_queue(runtime: GivenRuntime, user: GivenUser) -> Response[QueueObject]:
    """Subscribe to what happens to the user's connections from now on."""
    async with runtime.database.transaction() as tx:
        queue = await queues.create(tx, user)
    return answer(queue_object(queue), 201, {"Location": f"/queues/{queue.number}"})


@get("/queues", guards=[_uses], responses=problems())
async def list_queues(runtime: GivenRuntime, user: GivenUser, piece: GivenPage) -> Response[list[QueueObject]]:
    """The user's queues, oldest first."""
    async with runtime.database.reading() as tx:
        held = await queues.of_user(tx, Rules.of(runtime.settings), user)
    return answer([queue_object(queue) for queue in piece.of(held)])


@get("/queues/{queue_id:str}", guards=[_uses], responses=problems(404))
async def read_queue(queue_id: FromPath[str], runtime: GivenRuntime, user: GivenUser) -> Response[list[EventObject]]:
    """What has happened since the queue was made, oldest first."""
    async with runtime.database.transaction() as tx:
        events = await queues.read(tx, Rules.of(runtime.settings), user, number_of(queue_id))
    return answer(event_objects(events, runtime.registry, runtime.settings.public_url))


@delete("/queues/{queue_id:str}", status_code=204, guards=[_uses], responses=problems(404))
async def delete_queue(queue_id: FromPath[str], runtime: GivenRuntime, user: GivenUser) -> None:
    """End the subscription."""
    async with runtime.database.transaction() as tx:
        await queues.delete(tx, Rules.of(runtime.settings), user, number_of(queue_id))


HANDLERS = (create_queue, list_queues, read_queue, delete_queue)
