"""What the documentation says, and that the server keeps to it."""

import asyncio
from functools import partial

import pytest

from afflux.facades.oxlin import api
from afflux.runtime import Runtime
from afflux.web.openapi import Json, describe
from tests.facades.documents import check_examples, operations
from tests.facades.fuzzing import problems
from tests.facades.oxlin.calling import EMBEDDED, Client, two_ways
from tests.facades.oxlin.test_isolation import ROUTES
from tests.serving import served


@pytest.fixture
def document(runtime: Runtime) -> Json:
    """The OpenAPI document."""
    dialect = api.documented(runtime)
    return describe(dialect, runtime.settings.public_url)


def test_every_route_is_there_with_whose_token_is_good(document: Json) -> None:
    found = dict(operations(document, "/v2.1"))
    by_client = {"POST /token", "POST /widget/widget_session"}
    assert set(found) == {*by_client, *(route.name for route in ROUTES)}
    for route in ROUTES:
        scopes = {scope for way in found[route.name]["security"] for scope in way["token"]}
        assert scopes == {*(route.allowed.user or ()), *(route.allowed.client or ())}
        assert found[route.name]["summary"]
    ids = [operation["operationId"] for operation in found.values()]
    assert len(set(ids)) == len(ids)


def test_the_examples_are_what_they_are_examples_of(document: Json) -> None:
    check_examples(document, 25)


async def test_the_server_keeps_to_its_document(
    runtime: Runtime, document: Json, shop: Client, ana: Client, ben: Client
) -> None:
    connection = await ana.post("/connections", two_ways(EMBEDDED))
    queue = await ana.post("/queues")
    known = {"connection_id": connection["id"], "queue_id": queue["id"], "provider_id": "87", "user_id": ben.user_id}
    async with served(runtime) as port:
        asking = partial(problems, known=known, token=ana.token, least=200)
        found = await asyncio.to_thread(asking, document, f"http://127.0.0.1:{port}")
    assert not found, "\n\n".join(found)
