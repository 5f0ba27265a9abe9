"""Connections: linking a bank, changing, unlinking (contract: section 3.3)."""

from collections.abc import Mapping

from litestar import HttpMethod, Response, delete, get, post, route
from litestar.params import FromPath, FromQuery, JSONBody

from afflux.connectors.registry import Registry
from afflux.domain.catalogue import Auth, Channel, Provider
from afflux.domain.connections import Connection
from afflux.domain.errors import NotFound
from afflux.domain.overviews import ConnectionOverview
from afflux.domain.principal import Principal
from afflux.domain.syncs import SyncKind
from afflux.domain.users import User
from afflux.facades.oxlin import states
from afflux.facades.oxlin.auth import by_user
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.errors import bad, missing
from afflux.facades.oxlin.given import GivenPage, GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.oxlin.scopes import MANAGE_CONNECTIONS, SYNC_CONNECTIONS
from afflux.facades.oxlin.states import Status
from afflux.facades.oxlin.wire.connections import (
    ChannelWish,
    ConnectionChanges,
    ConnectionObject,
    NewConnection,
    connection_object,
)
from afflux.facades.oxlin.wire.providers import channels_of
from afflux.facades.oxlin.wire.values import answer, number_in, number_of
from afflux.runtime import Runtime
from afflux.services import connections, consents, syncs, users
from afflux.store import applications, overviews
from afflux.store import connections as store
from afflux.store.database import Tx

_reads = by_user(MANAGE_CONNECTIONS, SYNC_CONNECTIONS)
_manages = by_user(MANAGE_CONNECTIONS)
#: Characters of a name.
_LONGEST = 255

#: What is wished for each of a provider's channels.
Wishes = Mapping[int, tuple[Channel, ChannelWish]]


@get("/connections", guards=[_reads], responses=problems())
async def list_connections(
    runtime: GivenRuntime,
    user: GivenUser,
    piece: GivenPage,
    status: FromQuery[Status | None] = None,
    provider_id: FromQuery[str | None] = None,
) -> Response[list[ConnectionObject]]:
    """The user's connections, oldest first."""
    async with runtime.database.reading() as tx:
        held = await overviews.connections(tx, user.application_id, user.id)
    shown = [shown_connection(runtime, each) for each in held]
    found = [each for each in shown if status in (None, each.status) and provider_id in (None, each.provider_id)]
    return answer(piece.of(found))


@get("/connections/{connection_id:str}", guards=[_reads], responses=problems(404))
async def get_connection(
    connection_id: FromPath[str], runtime: GivenRuntime, user: GivenUser
) -> Response[ConnectionObject]:
    """One connection."""
    async with runtime.database.reading() as tx:
        return answer(await _shown(tx, runtime, user, number_of(connection_id)))


@post("/connections", status_code=201, guards=[_manages], responses=problems(409, 415))
async def create_connection(
    data: JSONBody[NewConnection], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> Response[ConnectionObject]:
    """Link a bank. Its accounts are listed and fetched at once, except where the user has yet to agree there."""
    provider = _provider(runtime.registry, data.provider_id)
    _check_name(data.name)
    wishes = _wishes(provider, data.channels)
    if not wishes:
        raise missing("channels")
    async with runtime.database.transaction() as tx:
        connection = await connections.create(
            tx,
            runtime.vault,
            runtime.registry,
            principal,
            user,
            provider.id,
            _typed(wishes),
            name=data.name,
            auto_sync=data.auto_sync,
        )
        if data.consent_per_account:
            await store.change(tx, principal.application_id, connection.id, consent_per_account=True)
        urls = await _begin(tx, runtime, principal, connection, wishes)
        shown = await _shown(tx, runtime, user, connection.number, urls)
    return answer(shown, 201, {"Location": f"/connections/{connection.number}"})


@route(
    "/connections/{connection_id:str}",
    http_method=[HttpMethod.PATCH, HttpMethod.PUT],
    status_code=200,
    guards=[_manages],
    responses=problems(404, 409, 415),
)
async def change_connection(
    connection_id: FromPath[str],
    data: JSONBody[ConnectionChanges],
    runtime: GivenRuntime,
    principal: GivenPrincipal,
    user: GivenUser,
) -> Response[ConnectionObject]:
    """Change what is given; other credentials, or a channel more, start a synchronisation."""
    number = number_of(connection_id)
    _check_name(data.name)
    async with runtime.database.transaction() as tx:
        connection = await _locked(tx, principal, user, number)
        await store.change(
            tx,
            principal.application_id,
            connection.id,
            name=data.name,
            auto_sync=data.auto_sync,
            consent_per_account=data.consent_per_account,
        )
        urls = await _change_channels(tx, runtime, principal, user, connection, data.channels)
        shown = await _shown(tx, runtime, user, number, urls)
    return answer(shown)


@delete("/connections/{connection_id:str}", status_code=204, guards=[_manages], responses=problems(404))
async def delete_connection(
    connection_id: FromPath[str], runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser
) -> None:
    """Unlink the bank, with its accounts and transactions."""
    number = number_of(connection_id)
    async with runtime.database.transaction() as tx:
        await connections.delete(tx, principal, await connection_of(tx, user, number))


async def connection_of(tx: Tx, user: User, number: int) -> Connection:
    """One connection of the user. Raises `NotFound`."""
    return await store.by_number(tx, user.application_id, user.id, number)


async def _locked(tx: Tx, principal: Principal, user: User, number: int) -> Connection:
    """The same, with nobody else doing anything for it until the transaction ends."""
    connection = await connection_of(tx, user, number)
    await users.share(tx, principal, user.id)
    if not await store.lock(tx, user.application_id, connection.id):
        raise NotFound("connection not found")
    return connection


def shown_connection(
    runtime: Runtime, overview: ConnectionOverview, auth_urls: Mapping[int, str] | None = None
) -> ConnectionObject:
    """The connection as it stands now."""
    return connection_object(
        overview.facts,
        states.during(overview.channels, overview.sync),
        provider_of(runtime.registry, overview.facts.provider_id),
        runtime.settings.public_url,
        runtime.clock.now(),
        auth_urls,
    )


def provider_of(registry: Registry, provider_id: int) -> Provider | None:
    """The provider; None once no connector brings it any more."""
    try:
        return registry.provider(provider_id)
    except NotFound:
        return None


async def _shown(
    tx: Tx, runtime: Runtime, user: User, number: int, auth_urls: Mapping[int, str] | None = None
) -> ConnectionObject:
    overview = await overviews.connection(tx, user.application_id, user.id, number)
    return shown_connection(runtime, overview, auth_urls)


def _provider(registry: Registry, provider_id: str) -> Provider:
    """A bank that can be linked. Raises `Refused`."""
    provider = provider_of(registry, number_in(provider_id) or 0)
    if provider is None or not channels_of(provider):
        raise bad("provider_id")
    return provider


def _check_name(name: str | None) -> None:
    if name is not None and not 0 < len(name) <= _LONGEST:
        raise bad("name")


def _wishes(provider: Provider, wanted: list[ChannelWish], held: Mapping[int, object] | None = None) -> Wishes:
    """The wishes by channel, if they can be. Raises `Refused`.

    Whatever a channel needs has to be there, unless it is `held` already and keeps what is not given.
    """
    known = {str(channel.id): channel for channel in channels_of(provider)}
    wishes: dict[int, tuple[Channel, ChannelWish]] = {}
    for wish in wanted:
        channel = known.get(wish.channel_definition_id)
        if channel is None or channel.id in wishes:
            raise bad("channel_definition_id")
        given = {typed.key for typed in wish.credentials}
        absent = [field.name for field in channel.fields if field.required and field.name not in given]
        if absent and channel.id not in (held or ()):
            raise missing(absent[0])
        wishes[channel.id] = channel, wish
    return wishes


def _typed(wishes: Wishes) -> dict[int, dict[str, str]]:
    return {id: {typed.key: typed.value for typed in wish.credentials} for id, (_, wish) in wishes.items()}


async def _change_channels(
    tx: Tx,
    runtime: Runtime,
    principal: Principal,
    user: User,
    connection: Connection,
    wanted: list[ChannelWish],
) -> dict[int, str]:
    """Fill empty channels, replace credentials of others; where the user agrees, by channel."""
    provider = provider_of(runtime.registry, connection.provider_id)
    if provider is None or not wanted:
        return {}
    held = {each.channel_id: each for each in await store.channel_states(tx, user.application_id, connection.id)}
    wishes = _wishes(provider, wanted, held)
    typed = _typed(wishes)
    added = {id: values for id, values in typed.items() if id not in held}
    changed = {id: values for id, values in typed.items() if id in held and wishes[id][0].auth is Auth.CREDENTIALS}
    common = (tx, runtime.vault, runtime.registry, principal, user, connection)
    if added:
        await connections.add_channels(*common, added)
    if changed:
        await connections.change_credentials(*common, changed)
    return await _begin(tx, runtime, principal, connection, wishes)


async def _begin(
    tx: Tx, runtime: Runtime, principal: Principal, connection: Connection, wishes: Wishes
) -> dict[int, str]:
    """Ask for a sync where something can run; for the rest, where the user agrees, by channel."""
    application = await applications.by_id(tx, principal.application_id)
    urls = {
        id: await consents.ask(
            tx,
            runtime.registry,
            application,
            connection,
            id,
            runtime.settings.public_url,
            wish.redirect_url,
            {"connection_id": str(connection.number)},
        )
        for id, (channel, wish) in wishes.items()
        if channel.auth is Auth.REDIRECT
    }
    if len(urls) < len(wishes):
        await syncs.request(tx, principal, connection, SyncKind.ACCOUNTS, interactive=True)
    return urls


HANDLERS = (list_connections, get_connection, create_connection, change_connection, delete_connection)
