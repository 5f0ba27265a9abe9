"""Nobody sees, changes or infers what is another's: every route for every kind of caller.

The matrix is made from the routes themselves. A route without a row in `BODIES` fails.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import httpx
import pytest
import pytest_asyncio

from afflux.app import create_app
from afflux.facades.iswigo.api import HANDLERS
from afflux.facades.iswigo.auth import with_recent_token, with_token
from afflux.facades.iswigo.errors import BAD_SIGNATURE, BAD_TOKEN
from afflux.runtime import Runtime
from tests.facades.iswigo.calling import HECTOR, Client
from tests.facades.iswigo.conftest import make_client
from tests.jobs.acting import working

#: What the owner sends to each route; None for routes without a body.
BODIES: dict[str, Any] = {
    "POST /users": HECTOR,
    "POST /authenticate": HECTOR,
    "GET /users": None,
    "GET /users/{user_id}": None,
    "PUT /users/{user_id}/email": HECTOR,
    "PUT /users/{user_id}/password": {"password": HECTOR["password"], "new_password": HECTOR["password"]},
    "DELETE /users/{user_id}": None,
    "GET /profile": None,
    "PUT /profile": {"email": "hector@berlioz.com"},
    "GET /profile/validation": None,
    "POST /profile/validation": {"token": "000000"},
    "GET /providers": None,
    "GET /providers/{provider_id}": None,
    "POST /connections": {"provider": 999, "login": "123456789", "password": "123456"},
    "GET /connections": None,
    "GET /connections/{connection_id}": None,
    "PUT /connections/{connection_id}": {"login": "123456789"},
    "DELETE /connections/{connection_id}": None,
    "POST /connections/{connection_id}/sync": None,
    "POST /connections/sync": None,
    "GET /connections/{connection_id}/status": None,
    "POST /connections/{connection_id}/step": {"sms": "1234"},
    "GET /bank/accounts": None,
    "GET /bank/accounts/{account_id}": None,
    "GET /bank/accounts/{account_id}/transactions": None,
    "GET /bank/accounts/{account_id}/transactions/{transaction_id}": None,
    "GET /documents": None,
    "GET /documents/{document_id}": None,
    "GET /documents/{document_id}/download": None,
    "POST /funnel": {"action": "edit", "connections": ["{connection_id}"]},
    "DELETE /funnel/{session_id}": None,
    "GET /events": None,
    "GET /events/{event_id}": None,
}
#: What the owner's request comes to where that is no success: there is no such token, and no step is open.
REFUSED_TO_THE_OWNER = {
    "POST /profile/validation": 400,
    "POST /connections/{connection_id}/step": 400,
    "POST /users": 409,
}
#: Routes whose answer is about the application's users, whoever's token may come along.
OF_THE_APPLICATION = {"GET /users/{user_id}", "PUT /users/{user_id}/email", "PUT /users/{user_id}/password"}
PSD2_ONLY = {
    "POST /profile/validation",
    "POST /connections",
    "PUT /connections/{connection_id}",
    "POST /connections/{connection_id}/step",
}


@dataclass(frozen=True)
class Route:
    """One row of the matrix."""

    method: str
    path: str
    needs_token: bool

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def routes() -> Iterator[Route]:
    for handler in HANDLERS:
        for path in handler.paths:
            plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", "/" + path.strip("/"))
            for method in handler.http_methods:
                yield Route(method, plain, bool({with_token, with_recent_token} & set(handler.guards or ())))


ROUTES = sorted(routes(), key=lambda route: route.name)
every_route = pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)


@dataclass(frozen=True)
class World:
    """Hector with everything, others with nothing, and the ids of what is Hector's."""

    hector: Client
    ida: Client
    #: Another application, and its own user.
    bank: Client
    ids: dict[str, str]

    def target(self, route: Route, ids: dict[str, str] | None = None) -> str:
        return "/v1" + route.path.format(**(ids or self.ids))

    def body(self, route: Route, ids: dict[str, str] | None = None) -> Any:
        body = BODIES[route.name]
        if route.name == "POST /funnel":
            return body | {"connections": [(ids or self.ids)["connection_id"]]}
        return body

    def missing(self) -> dict[str, str]:
        """Ids that nothing has."""
        return {name: "4711" if name == "provider_id" else str(uuid4()) for name in self.ids}


@pytest_asyncio.fixture
async def world(runtime: Runtime, http: httpx.AsyncClient, hector: Client, ida: Client) -> AsyncIterator[World]:
    async with working(runtime):
        bank = await (await make_client(runtime, http, "bank")).joined_by("bob@example.org")
        yield World(hector, ida, bank, await everything(hector))


async def everything(hector: Client) -> dict[str, str]:
    connected = await hector.post("/v1/connections", BODIES["POST /connections"])
    await hector.status(connected["connection_id"], "waiting user")
    await hector.post(f"/v1/connections/{connected['connection_id']}/step", {"sms": "1234"})
    await hector.status(connected["connection_id"], "finished")
    portal = await hector.post("/v1/connections", {"provider": 1006, "login": "h@mail.com", "password": "x"})
    await hector.status(portal["connection_id"], "finished")
    account = (await hector.get("/v1/bank/accounts"))[0]["account_id"]
    return {
        "user_id": (await hector.get("/v1/profile"))["user_id"],
        "provider_id": "999",
        "connection_id": connected["connection_id"],
        "account_id": account,
        "transaction_id": (await hector.get(f"/v1/bank/accounts/{account}/transactions"))[0]["transaction_id"],
        "document_id": (await hector.get("/v1/documents"))[0]["document_id"],
        "session_id": (await hector.post("/v1/funnel", {"action": "sync"}))["session_id"],
        "event_id": (await hector.get("/v1/events"))[0]["event_id"],
    }


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {route.name for route in ROUTES} == set(BODIES)
    assert len(ROUTES) == 33


async def test_the_owner_is_served_everywhere(world: World) -> None:
    for route in sorted(ROUTES, key=lambda route: (route.method == "DELETE", "user" in route.path)):
        response = await world.hector.send(route.method, world.target(route), world.body(route))
        wanted = REFUSED_TO_THE_OWNER.get(route.name)
        assert response.status_code == wanted if wanted else response.is_success, (route.name, response.text)


async def test_what_is_anothers_is_like_what_does_not_exist(world: World) -> None:
    for stranger in (world.ida, world.bank):
        for route in ROUTES:
            if ("{" not in route.path and route.name != "POST /funnel") or "{provider_id}" in route.path:
                continue
            if stranger is world.ida and (route.name in OF_THE_APPLICATION or "{event_id}" in route.path):
                continue  # The application acts here, and Hector is its user too.
            theirs = await stranger.send(route.method, world.target(route), world.body(route))
            ids = world.missing()
            missing = await stranger.send(route.method, world.target(route, ids), world.body(route, ids))
            assert (theirs.status_code, theirs.content) == (missing.status_code, missing.content), route.name
            assert theirs.status_code == (403 if route.name == "DELETE /users/{user_id}" else 404), route.name
    assert await everything_is_still_there(world)


async def everything_is_still_there(world: World) -> bool:
    reads = [route for route in ROUTES if route.method == "GET"]
    return all([(await world.hector.send("GET", world.target(route))).is_success for route in reads])


async def test_no_list_shows_what_is_anothers(world: World) -> None:
    secrets = [id for name, id in world.ids.items() if name != "provider_id"]
    for stranger in (world.ida, world.bank):
        for route in ROUTES:
            if route.method != "GET" or "{" in route.path:
                continue
            if stranger is world.ida and route.path in ("/users", "/events"):
                continue
            shown = await stranger.send("GET", "/v1" + route.path)
            assert not [secret for secret in secrets if secret in shown.text], route.name


async def test_nobody_is_served_without_a_signature(world: World) -> None:
    for route in ROUTES:
        for left_out in (
            {"X_Iswigo_App": None},
            {"X_Iswigo_Signature": None},
            {"X_Iswigo_Signature": "$5$" + "0" * 64},
        ):
            response = await world.hector.send(route.method, world.target(route), world.body(route), **left_out)
            assert (response.status_code, response.json()["error"]["description"]) == (401, BAD_SIGNATURE), route.name
    assert await everything_is_still_there(world)


async def test_a_users_routes_need_a_token_of_this_application_that_holds(world: World, runtime: Runtime) -> None:
    no_token = replace(world.hector, token=None)
    foreign = replace(world.bank, token=world.hector.token)
    late = replace(runtime, settings=replace(runtime.settings, access_token_seconds=1))
    transport = httpx.ASGITransport(create_app(late), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as soon_over:
        short_lived = await replace(world.hector, http=soon_over, token=None).as_user()
    expired = replace(world.hector, token=short_lived.token)
    await until_over(expired)
    for route in ROUTES:
        if not route.needs_token:
            continue
        for caller in (no_token, foreign, expired):
            response = await caller.send(route.method, world.target(route), world.body(route))
            assert (response.status_code, response.json()["error"]["description"]) == (401, BAD_TOKEN), route.name
    assert await everything_is_still_there(world)


async def until_over(client: Client) -> None:
    while (await client.send("GET", "/v1/profile")).is_success:
        pass


async def test_only_psd2_applications_reach_what_the_contract_reserves(runtime: Runtime, kiosk: Client) -> None:
    user = await kiosk.joined_by()
    ids = {"connection_id": str(uuid4())}
    for route in ROUTES:
        if route.name in PSD2_ONLY:
            response = await user.send(route.method, "/v1" + route.path.format(**ids), {"nonsense": True})
            assert (response.status_code, response.json()["error"]["description"]) == (403, "Forbidden"), route.name
    assert {route.name for route in ROUTES if route.name in PSD2_ONLY} == PSD2_ONLY


@every_route
def test_the_token_is_asked_for_where_the_contract_says(route: Route) -> None:
    of_application = re.fullmatch(r"(POST|GET|PUT) /(users|authenticate|providers|events)(/.*)?", route.name)
    assert route.needs_token == (of_application is None)
