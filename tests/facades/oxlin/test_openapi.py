"""What the documentation says, and that the server keeps to it."""

import asyncio
from collections.abc import Iterator
from functools import partial

import jsonschema_rs
import pytest

from afflux.facades.oxlin import api
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.openapi import Json, describe
from tests.facades.fuzzing import problems
from tests.facades.oxlin.calling import EMBEDDED, Client, two_ways
from tests.facades.oxlin.test_isolation import ROUTES
from tests.serving import served


@pytest.fixture
def document(runtime: Runtime) -> Json:
    """The OpenAPI document."""
    dialect = api.documented(runtime, Keyring(runtime.database, runtime.vault))
    return describe(dialect, runtime.settings.public_url)


def operations(document: Json) -> Iterator[tuple[str, Json]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield f"{method.upper()} {path.removeprefix('/v2.1')}", operation


def test_every_route_is_there_with_whose_token_is_good(document: Json) -> None:
    found = dict(operations(document))
    assert set(found) == {"POST /token", *(route.name for route in ROUTES)}
    for route in ROUTES:
        scopes = {scope for way in found[route.name]["security"] for scope in way["token"]}
        assert scopes == {*(route.allowed.user or ()), *(route.allowed.client or ())}
        assert found[route.name]["summary"]
    ids = [operation["operationId"] for operation in found.values()]
    assert len(set(ids)) == len(ids)


def test_the_examples_are_what_they_are_examples_of(document: Json) -> None:
    media = [
        each
        for _, operation in operations(document)
        for part in (operation.get("requestBody", {}), *operation["responses"].values())
        for each in part.get("content", {}).values()
        if "example" in each
    ]
    assert len(media) > 25
    for each in media:
        whole = {**each["schema"], "components": document["components"]}
        jsonschema_rs.Draft202012Validator(whole).validate(each["example"])


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
