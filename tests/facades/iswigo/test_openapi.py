"""What the documentation says, and that the server keeps to it."""

import asyncio
import json
import re
import shutil
from functools import partial
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from requests.auth import AuthBase

from afflux.runtime import Runtime
from afflux.web.openapi import Json
from tests.facades.documents import check_examples, operations
from tests.facades.fuzzing import problems
from tests.facades.iswigo.calling import Client, signature
from tests.facades.iswigo.test_isolation import PSD2_ONLY, ROUTES
from tests.serving import served


async def _document(http: httpx.AsyncClient) -> Json:
    response = await http.get("/docs/iswigo/openapi.json")
    assert (response.status_code, response.headers["content-type"]) == (200, "application/json")
    document: Json = response.json()
    return document


async def test_every_route_is_there_with_who_may_call_it(http: httpx.AsyncClient) -> None:
    found = dict(operations(await _document(http), "/v1"))
    assert set(found) == {route.name for route in ROUTES}
    for route in ROUTES:
        operation = found[route.name]
        needed = {"app", "signature"} | ({"token"} if route.needs_token else set())
        assert set(operation["security"][0]) == needed, route.name
        assert ("Only for PSD2-compliant" in operation.get("description", "")) == (route.name in PSD2_ONLY)
        assert operation["summary"]
        assert operation["tags"]


async def test_the_document_says_where_and_what_it_is(http: httpx.AsyncClient, runtime: Runtime) -> None:
    document = await _document(http)
    assert list(document) == ["openapi", "info", "servers", "tags", "paths", "components"]
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": runtime.settings.public_url}]
    assert next(iter(document["paths"])) == "/v1/users"
    assert {tag["name"] for tag in document["tags"]} == {
        tag for _, operation in operations(document, "/v1") for tag in operation["tags"]
    }


async def test_members_have_their_meaning(http: httpx.AsyncClient) -> None:
    schemas = (await _document(http))["components"]["schemas"]
    user = schemas["UserObject"]
    assert user["description"] == "A user."
    assert list(user["properties"]) == [
        "user_id", "email", "email_validation", "last_name", "first_name", "company", "terms_of_service"
    ]  # fmt: skip
    assert user["properties"]["terms_of_service"]["description"] == "The version of the terms that the user accepted."
    assert "email_validation" not in user["required"]
    assert schemas["TransactionObject"]["properties"]["amount"]["type"] == "number"


async def test_lists_and_downloads_are_described(http: httpx.AsyncClient) -> None:
    found = dict(operations(await _document(http), "/v1"))
    lists = [name for name, each in found.items() if any(p["name"] == "range" for p in each.get("parameters", ()))]
    assert len(lists) == 7
    for name in lists:
        assert {"Accept-Range", "Content-Range", "Link"} == set(found[name]["responses"]["200"]["headers"])
    download = found["GET /documents/{document_id}/download"]["responses"]["200"]["content"]
    assert download == {"*/*": {"schema": {"type": "string", "format": "binary"}}}


async def test_the_examples_are_what_they_are_examples_of(http: httpx.AsyncClient) -> None:
    document = await _document(http)
    check_examples(document, 30)


# The page.


async def test_the_page_shows_everything_and_loads_nothing(http: httpx.AsyncClient) -> None:
    page = await http.get("/docs/iswigo")
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for route in ROUTES:
        assert f"<b>{route.method}</b> /v1{route.path}<" in page.text, route.name
    assert "<script" not in page.text
    assert "style=" not in page.text
    assert re.findall(r'(?:src|href)="(?!#|/docs|/")[^"]*"', page.text) == []
    anchors = set(re.findall(r'id="([^"]+)"', page.text))
    assert set(re.findall(r'href="#([^"]+)"', page.text)) <= anchors
    assert (await http.get("/docs/style.css")).headers["content-type"].startswith("text/css")


async def test_the_front_page_leads_to_the_dialects(http: httpx.AsyncClient) -> None:
    for path in ("/", "/docs"):
        assert 'href="/docs/iswigo"' in (await http.get(path)).text
    for path in ("/docs/nothing", "/docs/nothing/openapi.json"):
        missing = await http.get(path)
        assert (missing.status_code, missing.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="the example needs both")
async def test_the_guide_works_as_it_is_printed(runtime: Runtime, shop: Client, http: httpx.AsyncClient) -> None:
    description = (await _document(http))["info"]["description"]
    signing, user = re.findall(r"```sh\n(.*?)\n```", description, re.DOTALL)
    async with served(runtime) as port:
        script = f"{signing}\n{user}".replace(runtime.settings.public_url, f"http://127.0.0.1:{port}")
        script = script.replace("app=shop ", f"app={shop.app} ").replace("secret=...", f"secret={shop.secret}")
        asking = r"(signed POST /v1/authenticate [^\n]*)\ntoken=\.\.\."
        script = re.sub(asking, r"""token=$(\1 | cut -d '"' -f 10)""", script)
        process = await asyncio.create_subprocess_exec("sh", "-e", stdin=-1, stdout=-1)
        said, _ = await process.communicate(script.encode())
    answers = [json.loads(each) for each in re.split(r"(?<=[}\]])(?=[{\[])", said.decode())]
    assert [each["provider_id"] for each in answers[0]]
    assert [each["email"] for each in answers[1:]] == ["ada@example.org"] * 2


# Whether it is true.


class Signed(AuthBase):
    """Signs what `requests` is about to send."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        raw = body if isinstance(body, bytes) else str(body).encode()
        target = request.url.removeprefix("{0.scheme}://{0.netloc}".format(urlsplit(request.url)))
        request.headers["X-Iswigo-App"] = self._client.app
        request.headers["X-Iswigo-Signature"] = signature(self._client.secret, request.method, target, raw)
        request.headers["Authorization"] = f"Bearer {self._client.token}"
        return request


async def test_the_server_keeps_to_its_document(
    runtime: Runtime, hector: Client, ida: Client, http: httpx.AsyncClient
) -> None:
    document = await _document(http)
    user_id = (await ida.get("/v1/profile"))["user_id"]
    connection = await hector.post("/v1/connections", {"provider": 999, "login": "1", "password": "123456"})
    known = {"user_id": user_id, "connection_id": connection["connection_id"], "provider_id": 999}
    async with served(runtime) as port:
        asking = partial(problems, known=known, auth=Signed(hector), least=500)
        found = await asyncio.to_thread(asking, document, f"http://127.0.0.1:{port}")
    assert not found, "\n\n".join(found)
