"""What the documentation says, and that the server keeps to it."""

import asyncio
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.auth import AuthBase

from afflux.facades.digime import api
from afflux.facades.digime.guide import UNSIGNED
from afflux.runtime import Runtime
from afflux.web.openapi import Json, describe
from tests.facades.digime.calling import Consumer, letters
from tests.facades.digime.test_isolation import World, routes, world  # noqa: F401
from tests.facades.documents import check_examples, operations
from tests.facades.fuzzing import problems
from tests.serving import served


@pytest.fixture
def document(runtime: Runtime) -> Json:
    """The OpenAPI document."""
    dialect = api.documented(runtime)
    return describe(dialect, runtime.settings.public_url)


def test_every_route_is_described_with_who_may_call_it(document: Json) -> None:
    found = dict(operations(document, "/v1.6"))
    assert found.keys() == routes()
    for operation in found.values():
        assert bool(operation.get("security")) is (operation["operationId"] not in UNSIGNED)
        assert operation["summary"]


def test_the_examples_are_what_they_are_examples_of(document: Json) -> None:
    check_examples(document, 10)


class Signed(AuthBase):
    """Gives each request a token of its own with which all is right, so that the rest of the request is what is tried.

    Refreshing would spend the tokens, so none is good for that; who is deleted is somebody else.
    """

    def __init__(self, world: World, leaving: Consumer) -> None:  # noqa: F811
        self._world = world
        self._leaving = leaving

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        path = urlsplit(str(request.url)).path.removeprefix("/v1.6")
        consumer, claims = self._claims(path)
        request.headers["Authorization"] = f"Bearer {consumer.token(**claims)}"
        return request

    def _claims(self, path: str) -> tuple[Consumer, dict[str, Any]]:
        consumer = self._leaving if path == "/user" else self._world.reader
        if path == "/oauth/token":
            return consumer, {"grant_type": "refresh_token", "refresh_token": letters()}
        if path == "/oauth/authorize":
            return consumer, consumer.authorize_claims("v" * 43)
        if path.startswith("/permission-access/postbox/"):
            writer = self._world.writer
            sealed = {"iv": "0" * 32, "symmetrical_key": "AAAA", "metadata": "AAAA"}
            return writer, {"access_token": writer.access_token, **sealed}
        return consumer, {"access_token": consumer.access_token}


async def test_the_server_keeps_to_its_document(
    runtime: Runtime,
    document: Json,
    world: World,  # noqa: F811
) -> None:
    known = {"session_key": world.ids.session_key, "name": world.ids.file, "postbox_id": world.ids.postbox}
    signed = Signed(world, world.strangers[0])
    async with served(runtime) as port:
        asking = partial(problems, known=known, auth=signed, least=60, examples=10)
        found = await asyncio.to_thread(asking, document, f"http://127.0.0.1:{port}")
    assert not found, "\n\n".join(found)
