"""Every route, tried by somebody else: another application's contract, and another library of the same contract."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx
import pytest
import pytest_asyncio

from afflux.domain.contracts import ContractKind
from afflux.facades.digime.api import HANDLERS
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import Consumer, letters
from tests.facades.digime.conftest import make_consumer
from tests.facades.digime.test_sessions import list_of, names
from tests.services.shelves import document, shelf_for


@dataclass(frozen=True)
class Ids:
    """What opens something of Alice's; or nothing at all."""

    access_token: str
    refresh_token: str
    session_key: str
    file: str
    postbox: str


NOBODYS = Ids("0" * 160, "1" * 160, letters(), "101_1000_10101_D202606_1.pdf", letters())

Try = Callable[[Consumer, Ids], Awaitable[httpx.Response]]


def asks(path: str, **claims: str) -> Try:
    """A signed request with some of the ids in its token."""

    async def send(consumer: Consumer, ids: Ids) -> httpx.Response:
        said = {name: getattr(ids, value) for name, value in claims.items()}
        extra = consumer.authorize_claims("v" * 43) if path.endswith("authorize") else {}
        if path.endswith("token"):
            extra = {"grant_type": "refresh_token"}
        method = "DELETE" if path == "/user" else "POST"
        return await consumer.send(method, path, consumer.token(**extra, **said))

    return send


async def push(consumer: Consumer, ids: Ids) -> httpx.Response:
    token = consumer.token(access_token=ids.access_token, iv="0" * 32, symmetrical_key="x", metadata="x")
    return await consumer.send("POST", f"/permission-access/postbox/{ids.postbox}", token)


def reads(suffix: Callable[[Ids], str]) -> Try:
    async def send(consumer: Consumer, ids: Ids) -> httpx.Response:
        return await consumer.send("GET", f"/permission-access/query/{suffix(ids)}")

    return send


async def public(consumer: Consumer, ids: Ids) -> httpx.Response:
    """There is nothing of anybody's in it."""
    return await consumer.send("GET", "/discovery/services")


#: By route: how a stranger tries. A session's key is all that opens it, so there a stranger has to have his own.
TRIES: dict[str, Try] = {
    "POST /oauth/authorize": asks("/oauth/authorize", access_token="access_token"),
    "POST /oauth/token": asks("/oauth/token", refresh_token="refresh_token"),
    "POST /oauth/token/reference": asks("/oauth/token/reference", access_token="access_token"),
    "POST /permission-access/trigger": asks("/permission-access/trigger", access_token="access_token"),
    "POST /permission-access/postbox/{postbox_id}": push,
    "GET /permission-access/query/{session_key}/{name}": reads(lambda ids: f"{ids.session_key}/{ids.file}"),
    "GET /permission-access/query/{session_key}": public,
    "DELETE /user": asks("/user", access_token="access_token"),
    "GET /discovery/services": public,
    "GET /jwks/oauth": public,
    "POST /permission-access/session": public,
}


def routes() -> set[str]:
    return {
        f"{method} {re.sub(r':[a-z]+}', '}', path)}"
        for handler in HANDLERS
        for path in handler.paths
        for method in handler.http_methods
    }


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert routes() == set(TRIES)


@dataclass(frozen=True)
class World:
    """Alice's library under two contracts, and who is after it."""

    reader: Consumer
    ids: Ids
    strangers: list[Consumer]
    own_keys: list[str]


@pytest_asyncio.fixture
async def world(runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, bob: Tenant) -> AsyncIterator[World]:
    reader = await make_consumer(runtime, http, alice)
    session = await reader.let_in()
    async with runtime.database.transaction() as tx:
        user_id = await tx.value("SELECT user_id FROM grants")
    owner = replace(alice, user=replace(alice.user, id=user_id, data_key=await data_key(runtime, user_id)))
    shelf = await shelf_for(runtime, owner)
    await shelf.documents([document()])
    session = await reader.trigger()
    (name,) = names(await list_of(reader, session))
    strangers = [await make_consumer(runtime, http, bob, key=1), await make_consumer(runtime, http, alice)]
    own = [(await each.let_in())["key"] for each in strangers]
    writer = await make_consumer(runtime, http, alice, ContractKind.WRITE)
    begun = await writer.authorize(access_token=reader.access_token)
    browser = writer.browser()
    await browser.open("authorize", begun.code)
    box = (await browser.decide("allow"))["postboxId"]
    ids = Ids(reader.access_token, reader.refresh_token, session["key"], name, box)
    yield World(reader, ids, strangers, own)


async def data_key(runtime: Runtime, user_id: Any) -> bytes:
    async with runtime.database.transaction() as tx:
        key: bytes = await tx.value("SELECT data_key FROM users WHERE id = $1", user_id)
        return key


async def test_what_is_anothers_is_like_what_does_not_exist(world: World) -> None:
    for stranger, own in zip(world.strangers, world.own_keys, strict=True):
        for name, attempt in TRIES.items():
            if attempt is public or (name == "POST /oauth/authorize" and stranger is world.strangers[1]):
                continue  # Contracts of one application may share a library that one of them names.
            theirs, missing = [
                await attempt(stranger, each)
                if "{name}" not in name
                else await stranger.send("GET", f"/permission-access/query/{own}/{each.file}")
                for each in (world.ids, NOBODYS)
            ]
            assert said(theirs) == said(missing), name
            assert theirs.status_code in (400, 401, 404), name
    assert (await list_of(world.reader, {"key": world.ids.session_key}))["fileList"]
    await world.reader.take(await world.reader.refresh())


def said(response: httpx.Response) -> tuple[int, str, str]:
    error = response.json()["error"]
    return response.status_code, error["code"], error["message"]


@pytest.mark.parametrize("name", sorted(set(TRIES) - {"GET /discovery/services", "GET /jwks/oauth"}))
async def test_no_signed_route_is_served_without_a_token(http: httpx.AsyncClient, reader: Consumer, name: str) -> None:
    method, _, path = name.partition(" ")
    path = path.replace("{session_key}", letters()).replace("{name}", "x").replace("{postbox_id}", letters())
    response = await reader.send(method, path)
    assert response.status_code in (400, 401)
