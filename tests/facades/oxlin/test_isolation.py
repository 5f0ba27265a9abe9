"""Nobody sees, changes or infers what is another's: every route for every kind of caller.

The matrix is made from the routes themselves. A route without a row in `BODIES` fails.
"""

import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest_asyncio

from afflux.facades.oxlin.api import HANDLERS
from afflux.facades.oxlin.auth import Allowed
from afflux.facades.oxlin.scopes import OF_USERS
from afflux.runtime import Runtime
from tests.facades.oxlin.calling import ANA, EMBEDDED, REDIRECT, Client, linked, two_ways
from tests.facades.oxlin.test_queues import asked
from tests.jobs.acting import working

#: What the owner sends to each route; None for routes without a body.
BODIES: dict[str, Any] = {
    "POST /users": {"email": "new@example.org", "password": "x"},
    "GET /users/{user_id}": None,
    "PATCH /users/{user_id}": {"first_name": "Ana"},
    "DELETE /users/{user_id}": None,
    "DELETE /admin/users/{user_id}": None,
    "GET /providers": None,
    "GET /providers/{provider_id}": None,
    "GET /categories": None,
    "GET /categories/{category_id}": None,
    "GET /connections": None,
    "GET /connections/{connection_id}": None,
    "POST /connections": two_ways(REDIRECT),
    "PATCH /connections/{connection_id}": {"name": "Mine"},
    "PUT /connections/{connection_id}": {"name": "Mine"},
    "DELETE /connections/{connection_id}": None,
    "POST /connections/{connection_id}/synchronize": None,
    "POST /connections/synchronize": None,
    "GET /connections/{connection_id}/challenges": None,
    "POST /connections/{connection_id}/challenges/{challenge_id}": {"credentials": [{"key": "sms", "value": "1234"}]},
    "GET /queues": None,
    "POST /queues": None,
    "GET /queues/{queue_id}": None,
    "DELETE /queues/{queue_id}": None,
    "GET /accounts": None,
    "GET /accounts/{account_id}": None,
    "PATCH /accounts/{account_id}": {"name": "Mine"},
    "DELETE /accounts/{account_id}": None,
    "GET /transactions": None,
    "GET /transactions/{transaction_id}": None,
}
#: What is everybody's.
COMMON = ("/providers", "/categories")


@dataclass(frozen=True)
class Route:
    """One row of the matrix."""

    method: str
    path: str
    allowed: Allowed

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def routes() -> Iterator[Route]:
    for handler in HANDLERS:
        (allowed,) = [guard for guard in handler.guards or () if isinstance(guard, Allowed)]
        for path in handler.paths:
            plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", "/" + path.strip("/"))
            for method in handler.http_methods:
                yield Route(str(method), plain, allowed)


ROUTES = sorted(routes(), key=lambda route: route.name)


@dataclass(frozen=True)
class World:
    """Ana with everything, others with nothing, and the ids of what is Ana's."""

    ana: Client
    ben: Client
    #: A user of another application, and that application itself.
    eva: Client
    kiosk: Client
    shop: Client
    ids: dict[str, str]

    def target(self, route: Route, ids: dict[str, str] | None = None) -> str:
        return route.path.format(**(ids or self.ids))

    def missing(self) -> dict[str, str]:
        """Ids that nothing has."""
        return {name: "999999" for name in self.ids}


@pytest_asyncio.fixture
async def world(runtime: Runtime, shop: Client, kiosk: Client, ana: Client, ben: Client) -> AsyncIterator[World]:
    async with working(runtime):
        eva = await kiosk.joined_by("eva@example.org", "Th1rd!Passw0rd")
        yield World(ana, ben, eva, await kiosk.itself(), await shop.itself(), await everything(ana))


async def everything(ana: Client) -> dict[str, str]:
    queue = (await ana.post("/queues"))["id"]
    await linked(ana, two_ways(EMBEDDED))
    waiting = (await ana.post("/connections", two_ways(EMBEDDED, login="dev+sms")))["id"]
    return {
        "user_id": ana.user_id or "",
        "provider_id": "87",
        "category_id": "SUPERMARKET",
        "connection_id": waiting,
        "challenge_id": (await asked(ana, waiting))["id"],
        "queue_id": queue,
        "account_id": (await ana.get("/accounts"))[0]["id"],
        "transaction_id": (await ana.get("/transactions"))[0]["id"],
    }


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert {route.name for route in ROUTES} == set(BODIES)


async def test_the_owner_is_served_everywhere(world: World) -> None:
    for route in sorted(ROUTES, key=lambda route: (route.method == "DELETE", "user" in route.path)):
        caller = world.shop if route.allowed.user is None or "admin" in route.path else world.ana
        response = await caller.send(route.method, world.target(route), BODIES[route.name])
        gone = "admin" not in route.path and route.name == "DELETE /users/{user_id}"
        assert response.is_success or (gone and response.status_code == 401), (route.name, response.text)


async def test_what_is_another_s_is_like_what_does_not_exist(world: World) -> None:
    for stranger in (world.ben, world.eva, world.kiosk):
        for route in ROUTES:
            if "{" not in route.path or route.path.startswith(COMMON):
                continue
            theirs = await stranger.send(route.method, world.target(route), BODIES[route.name])
            missing = await stranger.send(route.method, world.target(route, world.missing()), BODIES[route.name])
            assert theirs.status_code == missing.status_code == (404 if allowed(stranger, route) else 403), route.name
            assert _plain(theirs.json()) == _plain(missing.json())
    assert (await world.ana.get("/users/me"))["email"] == ANA["email"]
    assert await world.ana.get(f"/queues/{world.ids['queue_id']}")
    assert await world.ana.get(f"/accounts/{world.ids['account_id']}")


def allowed(caller: Client, route: Route) -> bool:
    return (route.allowed.client if caller.user_id is None else route.allowed.user) is not None


def _plain(error: dict[str, Any]) -> dict[str, Any]:
    """An error without what was asked for, which the caller knows."""
    return {name: value for name, value in error.items() if name != "id"}


async def test_no_list_shows_what_is_another_s(world: World) -> None:
    lists = [route for route in ROUTES if route.method == "GET" and "{" not in route.path]
    for stranger in (world.ben, world.eva):
        for route in lists:
            if not route.path.startswith(COMMON):
                assert await stranger.get(route.path) == [], route.name


async def test_nobody_is_served_without_a_token_that_holds(world: World) -> None:
    nobody = replace(world.ana, token=None)
    forged = replace(world.ana, token=(world.ana.token or "")[:-8] + "AAAAAAAA")
    for route in ROUTES:
        for caller in (nobody, forged):
            response = await caller.send(route.method, world.target(route), BODIES[route.name])
            assert (response.status_code, response.json()["error"]) == (401, "invalid_token"), route.name


async def test_a_token_of_the_wrong_kind_is_not_enough(world: World) -> None:
    for route in ROUTES:
        for caller in (world.ana, world.shop):
            if not allowed(caller, route):
                response = await caller.send(route.method, world.target(route), BODIES[route.name])
                assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope"), route.name


async def test_a_token_is_as_good_as_its_scopes(world: World) -> None:
    for scope in OF_USERS:
        given = await world.ana.tokens(
            grant_type="password", username=ANA["email"], password=ANA["password"], scope=scope
        )
        narrow = world.ana.with_token(given["access_token"])
        for route in ROUTES:
            if route.allowed.user and scope not in route.allowed.user:
                response = await narrow.send(route.method, world.target(route), BODIES[route.name])
                assert (response.status_code, response.json()["error"]) == (403, "insufficient_scope"), (
                    scope,
                    route.name,
                )
            elif route.method == "GET":
                assert await narrow.get(world.target(route)) is not None


async def test_a_token_works_at_its_own_facade_only(world: World, http: Any) -> None:
    response = await http.get("/v1/profile", headers={"Authorization": f"Bearer {world.ana.token}"})
    assert response.status_code == 401
