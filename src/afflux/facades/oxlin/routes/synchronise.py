"""Synchronising on demand (contract: section 3.3)."""

from typing import Literal

from litestar import Response, post
from litestar.params import FromPath, FromQuery

from afflux.domain.catalogue import Provider
from afflux.domain.errors import Conflict
from afflux.domain.syncs import SyncKind
from afflux.facades.oxlin.auth import by_user
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.given import GivenPrincipal, GivenRuntime, GivenUser
from afflux.facades.oxlin.routes.connections import connection_of
from afflux.facades.oxlin.scopes import SYNC_CONNECTIONS
from afflux.facades.oxlin.wire.connections import Links
from afflux.facades.oxlin.wire.providers import channels_of
from afflux.facades.oxlin.wire.values import answer, number_of
from afflux.services import syncs

_KINDS = {"ALL": SyncKind.ALL, "LIST_ACCOUNTS": SyncKind.ACCOUNTS}


@post(
    "/connections/{connection_id:str}/synchronize",
    status_code=204,
    guards=[by_user(SYNC_CONNECTIONS)],
    responses=problems(404, 409),
)
async def synchronise(
    connection_id: FromPath[str],
    runtime: GivenRuntime,
    principal: GivenPrincipal,
    user: GivenUser,
    type: FromQuery[Literal["ALL", "LIST_ACCOUNTS"]] = "ALL",
) -> None:
    """Ask for a synchronisation; how it goes is told by queues and by the connection's status."""
    number = number_of(connection_id)
    async with runtime.database.transaction() as tx:
        connection = await connection_of(tx, user, number)
        if connection.provider_id not in _reachable(runtime.registry.providers()):
            raise Conflict("This connection has no channel to synchronise")
        await syncs.request(tx, principal, connection, _KINDS[type], interactive=True)


@post("/connections/synchronize", status_code=200, guards=[by_user(SYNC_CONNECTIONS)], responses=problems())
async def synchronise_all(runtime: GivenRuntime, principal: GivenPrincipal, user: GivenUser) -> Response[Links]:
    """Ask for a synchronisation of all the user's connections; links to them."""
    providers = _reachable(runtime.registry.providers())
    async with runtime.database.transaction() as tx:
        asked = await syncs.request_all(tx, principal, user.id, SyncKind.ALL, interactive=True, providers=providers)
    return answer(Links([f"/connections/{connection.number}" for connection, _ in asked]))


def _reachable(providers: tuple[Provider, ...]) -> set[int]:
    """The providers that this dialect has a way to."""
    return {provider.id for provider in providers if channels_of(provider)}


HANDLERS = (synchronise, synchronise_all)
