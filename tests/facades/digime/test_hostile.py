"""Hostile input gets a clear refusal in the contract's format, and what is pushed lies sealed."""

from typing import Any

import httpx
import pytest

from afflux.runtime import Runtime
from tests.facades.digime.calling import CALLBACK, Consumer
from tests.facades.digime.opening import opened
from tests.facades.digime.test_postbox import Writer, writer  # noqa: F401
from tests.facades.digime.test_sessions import list_of
from tests.services.everything import everything

BODIES = [
    b"[]",
    b"7",
    b"{",
    b"\xff\xfe",
    b'{"scope": {"serviceGroups": [{"id": 9223372036854775808}]}}',
    b'{"scope": {"serviceGroups": [{"id": "3"}]}}',
    b'{"scope": {"timeRanges": [{"from": -1}]}}',
    b'{"scope": {"timeRanges": [{"from": 99999999999999}]}}',
    b'{"scope": {"timeRanges": [{"last": "0d"}]}}',
    b'{"scope": {"timeRanges": [{"last": "6m\\u0000"}]}}',
    b'{"limits": {"duration": {"sourceFetch": -1}}}',
    b'{"limits": {"duration": {"sourceFetch": 1e9}}}',
    b'{"scope": ' + b"[" * 40 + b"]" * 40 + b"}",
    b'{"scope": {}, "scope": {}}',
]
STRANGE = [
    b"",
    b"{}",
    b'{"scope": null, "limits": null, "accept": null}',
    b'{"accept": {"compression": "zstd"}, "agent": {"sdk": {"name": "?"}}, "more": [1]}',
    b'{"scope": {"timeRanges": [{"last": "99999y"}, {"from": 253402300799}, {"to": 0}]}}',
    b'{"scope": {"serviceGroups": [{"id": -1, "serviceTypes": [{"id": 0, "serviceObjectTypes": []}]}]}}',
    b'{"limits": {"duration": {"sourceFetch": 0}}}',
]


async def triggered(reader: Consumer, body: bytes, **headers: str) -> httpx.Response:
    token = reader.token(access_token=reader.access_token)
    return await reader.send("POST", "/permission-access/trigger", token, content=body, headers=headers)


async def test_a_body_that_means_nothing_is_refused(reader: Consumer) -> None:
    await reader.let_in()
    for body in BODIES:
        await reader.refused(400, "ValidationErrors", await triggered(reader, body))


async def test_a_body_that_is_merely_strange_is_served(reader: Consumer) -> None:
    await reader.let_in()
    for body in STRANGE:
        response = await triggered(reader, body, **{"content-type": "text/strange"})
        assert response.status_code == 202, (body, response.text)
        assert (await list_of(reader, response.json()["session"]))["status"]["state"] == "completed"


async def test_a_large_body_is_refused(reader: Consumer) -> None:
    await reader.let_in()
    await reader.refused(413, "ValidationErrors", await triggered(reader, b" " * (1024 * 1024 + 1)))


@pytest.mark.parametrize("method", ["PUT", "PATCH", "HEAD", "TRACE"])
async def test_methods_nobody_asked_for_are_refused(reader: Consumer, method: str) -> None:
    for path in ("/oauth/authorize", "/user", "/discovery/services"):
        assert (await reader.send(method, path)).status_code in (404, 405)


@pytest.mark.parametrize(
    "claims",
    [
        {"access_token": "\0"},
        {"access_token": "é" * 100},
        {"access_token": ""},
        {"session_key": "x" * 9000},
        {"client_id": "\0_\0"},
        {"client_id": "_" * 100},
        {"timestamp": 10**30},
        {"timestamp": 1e308},
        {"timestamp": -1},
    ],
)
async def test_claims_may_say_anything(reader: Consumer, claims: dict[str, Any]) -> None:
    token = reader.token(**{"access_token": "0" * 160, **claims})
    response = await reader.send("POST", "/permission-access/trigger", token)
    assert response.status_code in (400, 401), response.text
    assert response.json()["error"]["code"] in {"InvalidJWT", "InvalidRequest", "InvalidClient", "InvalidToken"}


async def test_the_pages_survive_strange_addresses(reader: Consumer) -> None:
    browser = reader.browser()
    code = (await reader.authorize()).code
    for query in ("", "code=%00", "code=%ff", f"code={code}&code={code}", f"code={code}&callback=%00", "=&=&code"):
        for page in ("authorize", "onboard", "link"):
            response = await browser.http.get(f"/apps/saas/{page}?{query}")
            assert response.status_code == 400, (page, query)
    await browser.open("authorize", code)
    for fields in ({}, {"decision": "?"}, {"decision": "allow", "email": "\0", "password": "x" * 5000}):
        assert (await browser.press(**fields)).status_code == 400
    response = await browser.http.get("/apps/saas/link", params={"code": code, "callback": CALLBACK})
    assert "errorCode=INVALID_CODE" in response.headers["location"]


async def test_what_waits_in_a_postbox_lies_sealed(runtime: Runtime, writer: Writer) -> None:  # noqa: F811
    canary, said = "canary-of-content", "canary-of-descriptor"
    for token in (None, writer.consumer.access_token):
        descriptor = {"mimeType": "text/plain", "accounts": [{"accountId": said}]}
        await writer.push(canary.encode(), descriptor, access_token=token)
    held = await everything(runtime.dsn)
    for word in (canary, said, writer.consumer.access_token, writer.consumer.refresh_token):
        assert not held.places_of(word)


async def test_an_empty_accounts_file_is_a_file(reader: Consumer) -> None:
    session = await reader.let_in()
    response = await reader.send("GET", f"/permission-access/query/{session['key']}/accounts.json")
    assert opened(reader, response).startswith(b'{"accounts":[],')
