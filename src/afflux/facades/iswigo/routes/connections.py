"""Connections: linked, listed, changed, synchronised, unlinked (contract: section 5.4)."""

from uuid import UUID

from litestar import Response, delete, get, post, put
from litestar.params import FromPath

from afflux.domain.catalogue import Provider
from afflux.domain.challenges import Answer, Challenge, FormField
from afflux.domain.connections import Connection
from afflux.domain.errors import NotFound
from afflux.domain.principal import Principal
from afflux.domain.syncs import Sync, SyncKind
from afflux.facades.iswigo.auth import with_psd2, with_token
from afflux.facades.iswigo.documented import problems
from afflux.facades.iswigo.errors import Refused
from afflux.facades.iswigo.given import GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.iswigo.ranges import DEFAULT, Range, RangeText, ranged
from afflux.facades.iswigo.requests import JsonRequest
from afflux.facades.iswigo.wire import connections as wire
from afflux.facades.iswigo.wire.connections import (
    ChangedConnection,
    ConnectionObject,
    NewConnection,
    StatusObject,
    StepAnswer,
    connection_object,
    status_object,
)
from afflux.facades.iswigo.wire.providers import TypeFilter, types
from afflux.runtime import Runtime
from afflux.services import challenges, connections, syncs
from afflux.store import connections as store
from afflux.store import syncs as sync_store
from afflux.store.database import Tx
from afflux.web.answers import answer


@post("/connections", status_code=201, guards=[with_token, with_psd2], responses=problems(403, 404, 415))
async def create_connection(
    data: NewConnection, runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> Response[ConnectionObject]:
    """Link a provider with what its user types there. The first synchronisation comes by itself."""
    provider = _provider(runtime, wire.provider_id(data))
    typed = wire.credentials(provider, data)
    async with runtime.database.transaction() as tx:
        connection = await connections.create(tx, runtime.vault, runtime.registry, principal, user, provider.id, typed)
        await _first_sync(tx, runtime, principal, connection)
    return answer(connection_object(connection), 201)


def _provider(runtime: Runtime, provider_id: int) -> Provider:
    try:
        return runtime.registry.provider(provider_id)
    except NotFound:
        raise Refused(404, "Provider not found") from None


async def _first_sync(tx: Tx, runtime: Runtime, principal: Principal, connection: Connection) -> None:
    """The sync that new credentials bring about."""
    if runtime.settings.iswigo_sync_on_create:
        await syncs.request(tx, principal, connection, SyncKind.ALL, interactive=True)


@get("/connections", guards=[with_token], responses=problems())
async def list_connections(
    request: JsonRequest,
    runtime: GivenRuntime,
    user: GivenUser,
    range_text: RangeText = DEFAULT,
    type_filter: TypeFilter = None,
) -> Response[list[ConnectionObject]]:
    """The user's connections, or those to providers of one type, oldest first."""
    window = Range.parse(range_text)
    providers = None if type_filter is None else _of_type(runtime, type_filter)
    async with runtime.database.reading() as tx:
        total = await store.count(tx, user.application_id, user.id, providers)
        held = await store.page(tx, user.application_id, user.id, providers, window.first, window.width)
    shown = [connection_object(connection) for connection in held]
    return ranged(request, "connections", window, shown, total, runtime.settings.public_url)


def _of_type(runtime: Runtime, wanted: str) -> list[int]:
    """The providers of a type."""
    return [provider.id for provider in runtime.registry.providers() if wanted in types(provider)]


@get("/connections/{connection_id:uuid}", guards=[with_token], responses=problems(404))
async def get_connection(
    connection_id: FromPath[UUID], runtime: GivenRuntime, user: GivenUser
) -> Response[ConnectionObject]:
    """One connection."""
    async with runtime.database.reading() as tx:
        return answer(connection_object(await store.by_id(tx, user.application_id, user.id, connection_id)))


@put("/connections/{connection_id:uuid}", guards=[with_token, with_psd2], responses=problems(403, 404, 415))
async def change_connection(
    connection_id: FromPath[UUID],
    data: ChangedConnection,
    runtime: GivenRuntime,
    principal: GivenPrincipal,
    user: GivenUser,
) -> Response[ConnectionObject]:
    """Replace what the user typed. A synchronisation with the new values comes by itself."""
    async with runtime.database.transaction() as tx:
        connection = await store.by_id(tx, user.application_id, user.id, connection_id)
        typed = wire.replaced(runtime.registry.provider(connection.provider_id), data)
        if typed:
            connection = await connections.change_credentials(
                tx, runtime.vault, runtime.registry, principal, user, connection, typed
            )
            await _first_sync(tx, runtime, principal, connection)
    return answer(connection_object(connection))


@delete("/connections/{connection_id:uuid}", status_code=204, guards=[with_token], responses=problems(404))
async def delete_connection(
    connection_id: FromPath[UUID], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> None:
    """Unlink a provider, with all its data."""
    async with runtime.database.transaction() as tx:
        connection = await store.by_id(tx, user.application_id, user.id, connection_id)
        await connections.delete(tx, principal, connection)


@post("/connections/{connection_id:uuid}/sync", status_code=200, guards=[with_token], responses=problems(404, 415))
async def synchronise(
    connection_id: FromPath[UUID], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> Response[StatusObject]:
    """Start a synchronisation, or join the one under way."""
    async with runtime.database.transaction() as tx:
        connection = await store.by_id(tx, user.application_id, user.id, connection_id)
        sync = await syncs.request(tx, principal, connection, SyncKind.ALL, interactive=True)
    return answer(_status(runtime, connection, sync))


@post("/connections/sync", status_code=200, guards=[with_token], responses=problems(415))
async def synchronise_all(
    runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> Response[list[StatusObject]]:
    """Start, or join, a synchronisation of each of the user's connections."""
    async with runtime.database.transaction() as tx:
        asked = await syncs.request_all(tx, principal, user.id, SyncKind.ALL, interactive=True)
    return answer([_status(runtime, connection, sync) for connection, sync in asked])


@get("/connections/{connection_id:uuid}/status", guards=[with_token], responses=problems(404))
async def get_status(connection_id: FromPath[UUID], runtime: GivenRuntime, user: GivenUser) -> Response[StatusObject]:
    """How a connection stands."""
    async with runtime.database.reading() as tx:
        # The sync first: once it has finished, the connection that is read after it says when.
        newest = await sync_store.latest(tx, user.application_id, [connection_id])
        connection = await store.by_id(tx, user.application_id, user.id, connection_id)
    return answer(_status(runtime, connection, newest[0] if newest else None))


@post(
    "/connections/{connection_id:uuid}/step",
    status_code=200,
    guards=[with_token, with_psd2],
    responses=problems(403, 404, 415),
)
async def answer_step(
    connection_id: FromPath[UUID],
    data: StepAnswer,
    runtime: GivenRuntime,
    principal: GivenPrincipal,
    user: GivenUser,
) -> Response[StatusObject]:
    """Answer the step that a synchronisation waits for. Whether the answer is right shows later, in the status."""
    async with runtime.database.transaction() as tx:
        connection = await store.by_id(tx, user.application_id, user.id, connection_id)
        newest = await sync_store.latest(tx, user.application_id, [connection.id])
        challenge = challenges.open_challenge(newest[0] if newest else None)
        given = Answer(values=wire.answers(_inputs(runtime, connection, challenge), data))
        sync = await challenges.answer(tx, runtime.vault, principal, connection, given)
    return answer(_status(runtime, connection, sync))


def _inputs(runtime: Runtime, connection: Connection, challenge: Challenge) -> tuple[FormField, ...]:
    """What the open step asks for, as the provider's forms say."""
    channels = runtime.registry.provider(connection.provider_id).channels
    steps = {step.name: step.fields for channel in channels for step in channel.steps}
    return steps.get(challenge.name, challenge.fields)


def _status(runtime: Runtime, connection: Connection, sync: Sync | None) -> StatusObject:
    return status_object(connection, sync, codes=runtime.settings.iswigo_status_codes)


HANDLERS = (
    create_connection,
    list_connections,
    get_connection,
    change_connection,
    delete_connection,
    synchronise,
    synchronise_all,
    get_status,
    answer_step,
)
