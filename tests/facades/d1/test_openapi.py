"""What the documentation says, that the server keeps to it, and that every route is for its own issuer only."""

import asyncio
from functools import partial
from typing import Any

import pytest

from afflux.facades.d1.api import HANDLERS
from afflux.runtime import Runtime
from tests.facades.d1.calling import Backend
from tests.facades.documents import check_examples
from tests.facades.fuzzing import problems
from tests.serving import served

ROUTES = {
    "POST /authz/v1/oauth2/token",
    "PUT /banking/v1/issuers/{issuer_id}/consumers/{consumer_id}",
    "PUT /banking/v1/issuers/{issuer_id}/consumers/{consumer_id}/cards",
    "POST /banking/v1/issuers/{issuer_id}/consumers/{consumer_id}/operations:delete",
    "GET /banking/v1/issuers/{issuer_id}/consumers/{consumer_id}/operations",
    "GET /banking/v1/issuers/{issuer_id}/consumers/{consumer_id}/operations/{operation_id}",
}


async def document_of(bank: Backend) -> dict[str, Any]:
    response = await bank.http.get("/docs/d1/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


async def test_every_route_is_documented(bank: Backend) -> None:
    document = await document_of(bank)
    operations = {
        f"{method.upper()} {path}": each for path, item in document["paths"].items() for method, each in item.items()
    }
    assert operations.keys() == ROUTES
    assert len(HANDLERS) == len(ROUTES)
    for name, operation in operations.items():
        assert operation["summary"]
        assert bool(operation.get("security")) == ("authz" not in name)
    page = await bank.http.get("/docs/d1")
    assert "operations:delete" in page.text


async def test_the_examples_are_what_they_are_examples_of(bank: Backend) -> None:
    document = await document_of(bank)
    check_examples(document, 4)


async def test_the_server_keeps_to_its_document(runtime: Runtime, bank: Backend) -> None:
    await bank.register("anna")
    operation = (await bank.list("anna"))["operations"][0]["operationId"]
    known = {"issuer_id": bank.issuer, "consumer_id": "anna", "operation_id": operation}
    async with served(runtime) as port:
        asking = partial(problems, known=known, token=bank.token, least=50, examples=10)
        found = await asyncio.to_thread(asking, await document_of(bank), f"http://127.0.0.1:{port}")
    assert not found, "\n\n".join(found)


@pytest.mark.parametrize("route", sorted(ROUTES - {"POST /authz/v1/oauth2/token"}))
async def test_what_is_anothers_is_out_of_reach(bank: Backend, rival: Backend, route: str) -> None:
    await bank.register("anna")
    await rival.register("otto")
    ours = await bank.list("anna")
    method, path = route.split()
    operation = ours["operations"][0]["operationId"]
    stolen = path.format(issuer_id=bank.issuer, consumer_id="anna", operation_id=operation)
    await rival.refused(403, "Forbidden", method, stolen, {"cards": []} if method == "PUT" else None)
    # Under its own name, the consumer of another issuer is like one who does not exist.
    own, nobody = (
        path.format(issuer_id=rival.issuer, consumer_id=consumer, operation_id=operation)
        for consumer in ("anna", "xyz")
    )
    body = {"cards": []} if method == "PUT" else None
    answers = [await rival.send(method, each, body) for each in (own, nobody)]
    assert answers[0].status_code == answers[1].status_code
    assert operation not in answers[0].text
    assert await bank.list("anna") == ours
