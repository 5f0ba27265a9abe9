"""What nobody well-meaning sends, to every route: always refused in the facade's own words, and never a 5xx."""

import asyncio
import json
import logging
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from afflux.app import create_app
from afflux.config import Settings
from afflux.runtime import Runtime, open_runtime
from tests.conftest import ROOT_KEY
from tests.facades.iswigo.calling import HECTOR, Client
from tests.facades.iswigo.test_isolation import BODIES, ROUTES, Route
from tests.serving import served

WITH_BODY = [route for route in ROUTES if BODIES[route.name] is not None]
WITHOUT_BODY = [route for route in ROUTES if route.method in ("GET", "DELETE")]
SYNCS = [route for route in ROUTES if route.path.endswith("/sync")]
LISTS = [route for route in ROUTES if route.method == "GET" and "{" not in route.path and "profile" not in route.path]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")


def target(route: Route, id: str | None = None) -> str:
    """A route's path, with ids that nothing has."""
    names = ("user_id", "connection_id", "account_id", "transaction_id", "document_id", "session_id", "event_id")
    return "/v1" + route.path.format(provider_id=id or "4711", **{name: id or str(uuid4()) for name in names})


def refusal(response: httpx.Response, *statuses: int) -> str:
    """The description of an answer that has to be a refusal in the facade's own format."""
    assert response.status_code in statuses, (response.status_code, response.text)
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert list(error) == ["code", "description"]
    assert error["code"] == response.status_code
    assert error["description"]
    return str(error["description"])


MALFORMED = {
    "nothing but space": b" ",
    "half an object": b'{"email": "a@b.org"',
    "more behind": b"{} {}",
    "single quotes": b"{'email': 'a'}",
    "a comma too many": b'{"email": "a@b.org",}',
    "a comment": b"{} // so",
    "a byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"email": "a"}'.encode("utf-16"),
    "Latin-1": '{"email": "zo\xe9@b.org"}'.encode("latin-1"),
    "an overlong letter": b'{"email": "\xc0\xaf"}',
    "half a surrogate pair in UTF-8": b'{"email": "\xed\xa0\x80"}',
    "half a surrogate pair": b'{"email": "\\ud800"}',
    "the other half": b'{"email": "\\udc00x"}',
    "half a surrogate pair as a key": b'{"\\ud800": 1}',
    "NUL": b'{"email": "a\\u0000b"}',
    "NUL as a key": b'{"a\\u0000": 1}',
    "a raw NUL": b'{"email": "a\0b"}',
    "a raw line feed": b'{"email": "a\nb"}',
    "a key twice": b'{"email": "a", "email": "b"}',
    "a key twice in disguise": b'{"email": "a", "\\u0065mail": "b"}',
    "a key twice within": b'{"x": {"a": 1, "a": 2}}',
    "NaN": b'{"provider": NaN}',
    "infinity": b'{"provider": Infinity}',
    "minus infinity": b'{"provider": -Infinity}',
    "65 bits": b'{"provider": 9223372036854775808}',
    "65 bits below": b'{"provider": -9223372036854775809}',
    "a million digits": b'{"provider": ' + b"9" * 1_000_000 + b"}",
    "a hopeless exponent": b'{"provider": 1e99999999999999999999}',
    "a leading nought": b'{"provider": 0999}',
    "a plus": b'{"provider": +1}',
    "hexadecimal": b'{"provider": 0x10}',
    "33 levels": b"[" * 33 + b"]" * 33,
    "33 levels of objects": b'{"a":' * 33 + b"1" + b"}" * 33,
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "500,000 levels without end": b"[" * 500_000,
    "100,000 levels of objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


async def test_json_has_one_meaning_or_is_refused(hector: Client) -> None:
    for name, body in MALFORMED.items():
        for route in WITH_BODY:
            response = await hector.send(route.method, target(route), body)
            assert refusal(response, 400) == "Malformed JSON", (route.name, name)


#: In place of the whole body, and of each of its members.
VALUES: list[Any] = [None, True, 0, -1, 1.5, 2**63 - 1, "", " ", "x" * 100_000, "é\u2028\U0001f600", [], [[]], {}]


async def test_values_of_another_type_are_refused(hector: Client) -> None:
    for route in WITH_BODY:
        for value in VALUES:
            if value == {} and route.name in ("PUT /profile", "PUT /connections/{connection_id}"):
                continue
            await _refused_or_served(hector, route, value, served=False)


async def test_members_of_another_type_are_refused(hector: Client) -> None:
    for route in WITH_BODY:
        for member in BODIES[route.name]:
            for value in VALUES:
                await _refused_or_served(hector, route, {**BODIES[route.name], member: value}, served=True)


async def _refused_or_served(hector: Client, route: Route, body: Any, *, served: bool) -> None:
    response = await hector.send(route.method, target(route), body)
    known = route.name == "POST /users" and response.status_code == 409
    if not (served and (response.is_success or known)):
        refusal(response, 400, 404, 409)


async def test_a_member_nobody_knows_is_overlooked(hector: Client) -> None:
    assert "admin" not in await hector.put("/v1/profile", {"admin": True, "first_name": "Hector", "user_id": "x"})


async def test_a_body_has_a_mebibyte_at_most(hector: Client) -> None:
    filling = json.dumps({"first_name": "x", "filling": ""}).encode()
    largest = filling[:-2] + b"x" * (1024 * 1024 - len(filling)) + filling[-2:]
    assert len(largest) == 1024 * 1024
    assert (await hector.send("PUT", "/v1/profile", largest)).status_code == 200
    for route in ROUTES:
        response = await hector.send(route.method, target(route), largest + b" ")
        assert refusal(response, 413), route.name


async def test_a_body_in_chunks_has_a_mebibyte_at_most(runtime: Runtime, hector: Client) -> None:
    async with served(runtime) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        for chunked in (True, False):
            headers = {"X-Iswigo-App": hector.app, "X-Iswigo-Signature": "$5$"}
            content = _pieces() if chunked else b"x" * (1024 * 1024 + 1)
            response = await http.post("/v1/users", content=content, headers=headers)
            refusal(response, 413)
            assert response.reason_phrase == response.json()["error"]["description"]
        assert (await replace(hector, http=http).get("/v1/users"))[0]["email"] == HECTOR["email"]


async def _pieces() -> AsyncIterator[bytes]:
    for _ in range(17):
        yield b"x" * 65536


async def test_a_body_is_json_and_says_so(hector: Client) -> None:
    for route in WITH_BODY + SYNCS:
        for kind in (None, "", "text/plain", "text/json", "application/xml", "application/json; charset=latin-1",
                     "application/json, text/plain", "application/x-www-form-urlencoded", "é",
                     "multipart/form-data; boundary=x", "application/jsonx", "; json"):  # fmt: skip
            said = kind and kind.encode("latin-1")
            response = await hector.send(route.method, target(route), b"{}", Content_Type=said)
            assert refusal(response, 415) == "Unsupported Media Type", (route.name, kind)


async def test_json_may_say_that_it_is_utf_8(hector: Client) -> None:
    for kind in (
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ):
        response = await hector.send("PUT", "/v1/profile", b'{"first_name": "Zo\xc3\xa9"}', Content_Type=kind)
        assert response.json()["first_name"] == "Zo\xe9"


async def test_a_body_where_none_belongs_is_refused(hector: Client) -> None:
    for route in WITHOUT_BODY:
        for body in (b"{}", b"x", b"\0"):
            response = await hector.send(route.method, target(route), body)
            assert refusal(response, 400) == "Unexpected body", route.name


async def test_an_empty_body_is_missing_everything(hector: Client) -> None:
    for route in WITH_BODY:
        response = await hector.send(route.method, target(route), b"", Content_Type="application/json")
        refusal(response, 400)


# Targets.


async def test_a_path_that_is_nearly_one_of_ours_is_not_found(hector: Client) -> None:
    for route in ROUTES:
        path = target(route)
        for wrong in (
            path + "/",
            path + "/x",
            path + "x",
            path + "%20",
            path + ";x=y",
            path.replace("/v1/", "/v1//"),
            path.upper().replace("/V1", "/v1"),
            path + "%2f",
        ):
            response = await hector.send(route.method, wrong, BODIES[route.name])
            assert refusal(response, 404, 405) in ("Not Found", "Method Not Allowed"), wrong


async def test_an_id_that_is_none_is_not_found(hector: Client) -> None:
    ids = ("x", "0", "-1", "null", "%27%20OR%201=1", "9" * 40, "9" * 9_000, "é".encode().hex(), "1.0", "1e3",
           "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000", "x" * 9_000)  # fmt: skip
    for route in ROUTES:
        for id in ids if "{" in route.path else ():
            response = await hector.send(route.method, target(route, id), BODIES[route.name])
            assert refusal(response, 404, 405), (route.name, id)


async def test_a_target_has_to_be_text(hector: Client) -> None:
    for route in ROUTES:
        for spoilt in ("%FF", "%C0%AF", "%ED%A0%80", "%00", "a%00b"):
            for sent in (f"{target(route)}?x={spoilt}", f"{target(route)}?{spoilt}=x", f"{target(route)}{spoilt}"):
                response = await hector.send(route.method, sent, BODIES[route.name])
                assert refusal(response, 400) == "Bad Request", sent


async def test_a_range_that_is_none_is_refused(hector: Client) -> None:
    ranges = ("", "abc", "5-2", "-1-5", "-5", "5-", "0", "0-1-2", "0–9", "٠-٩", "0x0-9", "1.0-2.0", "0-1,3-4", " 0-1",
              "0-19%0a", "+0-19", "0-19'--", "items=0-19")  # fmt: skip
    for route in LISTS:
        for wrong in ranges:
            response = await hector.send("GET", f"{target(route)}?range={_quoted(wrong)}")
            assert refusal(response, 400) == "Invalid range", (route.name, wrong)


def _quoted(text: str) -> str:
    return str(httpx.QueryParams({"x": text})).removeprefix("x=") if "%" not in text else text


async def test_a_range_far_beyond_the_end_is_empty(hector: Client) -> None:
    for route in LISTS:
        for far in ("999999999999-9999999999999", f"{'9' * 4000}-{'9' * 4001}", f"0-{'9' * 4000}"):
            assert (await hector.send("GET", f"{target(route)}?range={far}")).status_code == 200


async def test_a_filter_nobody_knows_gives_nothing(hector: Client) -> None:
    for path in ("/v1/providers", "/v1/connections", "/v1/documents"):
        for value in ("", "x", "%27%3B--", "bank%20", "x" * 9_000):
            assert await hector.get(f"{path}?filters%5Btype%5D={value}") == []


# Methods.


async def test_another_verb_is_told_which_are_allowed(hector: Client) -> None:
    for path in {route.path for route in ROUTES}:
        allowed = {route.method for route in ROUTES if route.path == path}
        sample = target(next(route for route in ROUTES if route.path == path))
        for method in METHODS:
            if method in allowed:
                continue
            response = await hector.send(method, sample)
            assert response.status_code == 405, (method, path)
            assert method == "HEAD" or refusal(response, 405) == "Method Not Allowed"
            assert set(response.headers["allow"].split(", ")) == allowed


# Around the facade.


async def test_what_belongs_to_nobody_is_not_found(http: httpx.AsyncClient) -> None:
    for path in ("/v2", "//v1/users", "/", "/V1/users", "/nothing", "/health/x", "/%2e%2e/etc/passwd", "/x" * 2_000):
        response = await http.get(httpx.URL("http://127.0.0.1:8080", raw_path=path.encode()))
        assert response.status_code in (404, 200) if path == "/" else response.status_code == 404, path


async def test_headers_nobody_asked_for_change_nothing(hector: Client) -> None:
    for name, value in (
        ("X-HTTP-Method-Override", "DELETE"), ("X-Original-URL", "/v1/events"), ("X-Forwarded-For", "x" * 1_000),
        ("X-Forwarded-Proto", "gopher"), ("Range", "bytes=0-1"), ("If-None-Match", "*"), ("Accept", "text/html"),
        ("Cookie", "x=y; " * 100), ("Transfer-Encoding", "x"), ("Accept-Encoding", "gzip"), ("Forwarded", "for=;;"),
    ):  # fmt: skip
        response = await hector.send("GET", "/v1/users", None, **{name.replace("-", "_"): value})
        assert [user["email"] for user in response.json()] == [HECTOR["email"]]


async def test_a_host_that_is_none_does_no_harm(hector: Client) -> None:
    for host in ("", "a b", "a/b", "http://a", "a@b", "\xff", "[::1", "a:99999"):
        response = await hector.send("GET", "/v1/users", None, Host=host.encode("latin-1"))
        assert response.is_success or refusal(response, 400)


async def test_an_application_that_asks_too_often_waits_where_the_operator_says_so(
    runtime: Runtime, shop: Client, kiosk: Client
) -> None:
    strict = replace(runtime, settings=replace(runtime.settings, iswigo_requests=2))
    transport = httpx.ASGITransport(create_app(strict), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
        eager, patient = replace(shop, http=http), replace(kiosk, http=http)
        responses = [await eager.send("GET", "/v1/users") for _ in range(5)]  # A new minute may have begun meanwhile.
        late = next(response for response in responses if response.status_code == 429)
        assert refusal(late, 429) == "Too Many Requests"
        assert 1 <= int(late.headers["retry-after"]) <= 60
        assert await patient.get("/v1/users") == []


# When it is us.


async def test_a_database_that_is_away_is_said_so(
    dsn: str, settings: Settings, hector: Client, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    async with relay(dsn, tmp_path) as (relayed, cut), open_runtime(settings, relayed, ROOT_KEY) as runtime:
        transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
            client = replace(hector, http=http)
            await client.get("/v1/profile")
            cut()
            with caplog.at_level(logging.DEBUG):
                for route in ROUTES:
                    if not route.path.startswith("/providers"):
                        response = await client.send(route.method, target(route), BODIES[route.name])
                        assert refusal(response, 503) == "Service Unavailable", route.name
    for secret in (hector.secret, hector.token, HECTOR["password"], HECTOR["email"]):
        assert str(secret) not in caplog.text


@asynccontextmanager
async def relay(dsn: str, folder: Path) -> AsyncIterator[tuple[str, Callable[[], None]]]:
    """The database by a detour, and how to cut it off."""
    direct = re.findall(r"host=([^&]+)", dsn)[0]
    open_ends: list[asyncio.StreamWriter] = []

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65536):
                writer.write(piece)
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_unix_connection(f"{direct}/.s.PGSQL.5432")
        open_ends.extend([writer, ours])
        await asyncio.gather(pump(reader, ours), pump(theirs, writer))

    listener = await asyncio.start_unix_server(meet, folder / ".s.PGSQL.5432")

    def cut() -> None:
        listener.close()
        for end in open_ends:
            end.transport.abort()

    try:
        yield dsn.replace(direct, str(folder)), cut
    finally:
        cut()
