"""Every route, tried by who should get nowhere: another application's contract, another contract of the same
application, one of the wrong kind, and its own contract with a token that is no good any more.
"""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import timedelta
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
from tests.facades.digime.test_oauth import age
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
WRITES = {"POST /permission-access/postbox/{postbox_id}"}
#: Routes that take an access token; the last one leaves nothing to try.
TAKE_ACCESS = [
    *WRITES,
    "POST /oauth/authorize",
    "POST /oauth/token/reference",
    "POST /permission-access/trigger",
    "DELETE /user",
]


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
    writer: Consumer
    ids: Ids
    strangers: list[Consumer]
    own_keys: list[str]
    #: Those of write contracts.
    writing_strangers: list[Consumer]

    def owner(self, name: str) -> Consumer:
        """Who may use the route, with Alice's ids."""
        return self.writer if name in WRITES else self.reader


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
    strangers, writing = [
        [await make_consumer(runtime, http, bob, kind, key=1), await make_consumer(runtime, http, alice, kind)]
        for kind in (ContractKind.READ, ContractKind.WRITE)
    ]
    own, _ = [[(await each.let_in())["key"] for each in several] for several in (strangers, writing)]
    writer = await make_consumer(runtime, http, alice, ContractKind.WRITE)
    begun = await writer.authorize(access_token=reader.access_token)
    browser = writer.browser()
    await browser.open("authorize", begun.code)
    end = await browser.decide("allow")
    await writer.take(await writer.exchange(begun.verifier, end["code"]))
    ids = Ids(reader.access_token, reader.refresh_token, session["key"], name, end["postboxId"])
    yield World(reader, writer, ids, strangers, own, writing)


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


async def test_a_session_of_anothers_is_like_none(world: World) -> None:
    for stranger in world.strangers:
        claims = {"access_token": stranger.access_token}
        theirs, missing = [
            await stranger.post("/permission-access/trigger", **claims, session_key=each.session_key)
            for each in (world.ids, NOBODYS)
        ]
        assert said(theirs) == said(missing) == (400, "SessionInvalid", "The session key is invalid")


async def test_a_postbox_of_anothers_is_like_none(world: World) -> None:
    for stranger in world.writing_strangers:
        theirs, missing = [
            await push(stranger, replace(each, access_token=stranger.access_token)) for each in (world.ids, NOBODYS)
        ]
        assert said(theirs) == said(missing)
        assert theirs.status_code == 404


async def test_a_spent_token_opens_nothing(world: World) -> None:
    for name in TAKE_ACCESS:
        owner = world.owner(name)
        spent = replace(world.ids, access_token=owner.access_token)
        await owner.take(await owner.refresh())
        assert said(await TRIES[name](owner, spent))[:2] == (401, "InvalidToken"), name
        good = await TRIES[name](owner, replace(spent, access_token=owner.access_token))
        assert good.is_success or said(good)[1] == "ValidationErrors", name


async def test_a_token_that_is_over_only_says_who_it_was(runtime: Runtime, world: World) -> None:
    await age(runtime, "grants", "access_expires_at", timedelta(days=2))
    for name in TAKE_ACCESS:
        owner = world.owner(name)
        response = await TRIES[name](owner, replace(world.ids, access_token=owner.access_token))
        if name.endswith("authorize"):
            assert response.status_code == 200
        else:
            code = "ValidationErrors" if name in WRITES else "InvalidToken"
            assert said(response)[1] == code, name


async def test_a_contract_does_what_its_kind_does_only(world: World) -> None:
    for name in (*WRITES, "POST /permission-access/trigger"):
        wrong = world.reader if name in WRITES else world.writer
        response = await TRIES[name](wrong, replace(world.ids, access_token=wrong.access_token))
        assert said(response)[:2] == (400, "InvalidContractDataRequest"), name


@pytest.mark.parametrize("name", sorted(set(TRIES) - {"GET /discovery/services", "GET /jwks/oauth"}))
async def test_no_signed_route_is_served_without_a_token(http: httpx.AsyncClient, reader: Consumer, name: str) -> None:
    method, _, path = name.partition(" ")
    path = path.replace("{session_key}", letters()).replace("{name}", "x").replace("{postbox_id}", letters())
    response = await reader.send(method, path)
    assert response.status_code in (400, 401)
