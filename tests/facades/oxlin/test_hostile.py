"""What nobody well-meaning sends, to every route: always refused in the facade's own words, and never a 5xx."""

import json
from collections.abc import Iterator
from typing import Any

import httpx

from tests.facades.iswigo.test_hostile import MALFORMED, VALUES
from tests.facades.oxlin.calling import EMBEDDED, Client, two_ways
from tests.facades.oxlin.test_isolation import BODIES, ROUTES, Route

WITH_BODY = [route for route in ROUTES if BODIES[route.name] is not None]
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
NAMES = ("user_id", "provider_id", "category_id", "connection_id", "challenge_id", "queue_id", "account_id")


def target(route: Route, id: str = "999999") -> str:
    """A route's path, with ids that nothing has."""
    return route.path.format(transaction_id=id, **{name: id for name in NAMES})


def refusal(response: httpx.Response, *statuses: int) -> str:
    """The code of an answer that has to be a refusal in the facade's own format."""
    assert response.status_code in statuses, (response.status_code, response.text)
    assert response.headers["content-type"] == "application/json;charset=UTF-8"
    said = response.json()
    assert said.keys() - {"id"} == {"error", "error_description"}
    return str(said["error"])


def caller(route: Route, ana: Client, itself: Client) -> Client:
    """Somebody who may call it."""
    return itself if route.allowed.user is None else ana


async def test_json_has_one_meaning_or_is_refused(shop: Client, ana: Client) -> None:
    itself = await shop.itself()
    for name, body in MALFORMED.items():
        for route in WITH_BODY:
            response = await caller(route, ana, itself).send(route.method, target(route), body)
            assert refusal(response, 400) == "FORMAT_ERROR", (route.name, name)


async def test_values_of_another_type_are_refused(shop: Client, ana: Client) -> None:
    itself = await shop.itself()
    for route in WITH_BODY:
        for value in VALUES:
            if value == {} and route.method in ("PATCH", "PUT"):
                continue
            response = await caller(route, ana, itself).send(route.method, target(route), json.dumps(value).encode())
            refusal(response, 400)
        for body in changed(BODIES[route.name]):
            response = await caller(route, ana, itself).send(route.method, target(route), body)
            assert response.is_success or refusal(response, 400, 404, 409)


def changed(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The body with each of its members replaced by something else."""
    for member in body:
        for value in VALUES:
            yield {**body, member: value}


async def test_channels_of_a_new_connection_are_looked_at_one_by_one(ana: Client) -> None:
    right = two_ways(EMBEDDED)
    (channel,) = right["channels"]
    for wrong in changed(channel):
        response = await ana.send("POST", "/connections", {**right, "channels": [wrong]})
        refusal(response, 400)
    for typed in changed(channel["credentials"][0]):
        body = {**right, "channels": [channel | {"credentials": [typed, channel["credentials"][1]]}]}
        response = await ana.send("POST", "/connections", body)
        assert response.is_success or refusal(response, 400)


async def test_a_body_has_a_mebibyte_at_most_and_belongs_where_one_is_read(shop: Client, ana: Client) -> None:
    itself = await shop.itself()
    large = b'{"x": "' + b"x" * 1024 * 1024 + b'"}'
    for route in ROUTES:
        client = caller(route, ana, itself)
        if route in WITH_BODY:
            assert refusal(await client.send(route.method, target(route), large), 413) == "PAYLOAD_TOO_LARGE"
            for kind in ("text/plain", "application/xml", "application/json; charset=latin-1"):
                response = await client.send(route.method, target(route), b"{}", content_type=kind)
                assert refusal(response, 415) == "UNSUPPORTED_MEDIA_TYPE"
        elif route.method in ("GET", "DELETE"):
            assert refusal(await client.send(route.method, target(route), b"{}"), 400) == "FORMAT_ERROR"


async def test_a_target_has_to_be_ours_and_text(shop: Client, ana: Client) -> None:
    itself = await shop.itself()
    for route in ROUTES:
        client, body = caller(route, ana, itself), BODIES[route.name]
        for wrong in (target(route) + "/", target(route) + "/x/y", "/" + target(route), target(route) + "%20"):
            refusal(await client.send(route.method, wrong, body), 404, 405)
        for spoilt in ("%FF", "%C0%AF", "%ED%A0%80", "%00"):
            asked = f"{target(route)}?x={spoilt}"
            assert refusal(await client.send(route.method, asked, body), 400) == "BAD_PARAMETER"
            refusal(await client.send(route.method, target(route) + spoilt, body), 404)
        for id in ("x", "0", "-1", "9" * 40, "9" * 4_000, "1.0", "01", "%27%20OR%201=1"):
            if "{" in route.path:
                refusal(await client.send(route.method, target(route, id), body), 404)


async def test_another_verb_is_told_which_are_allowed(ana: Client) -> None:
    for path in {route.path for route in ROUTES}:
        allowed = {route.method for route in ROUTES if route.path == path}
        sample = target(next(route for route in ROUTES if route.path == path))
        literal = path == "/connections/synchronize"
        for method in METHODS:
            if method in allowed or (literal and method in ("GET", "PATCH", "PUT", "DELETE")):
                continue
            response = await ana.send(method, sample)
            assert response.status_code == 405, (method, path)
            assert method == "HEAD" or refusal(response, 405) == "METHOD_NOT_ALLOWED"
            assert set(response.headers["allow"].split(", ")) == allowed


async def test_a_token_is_sixteen_kibibytes_at_most(ana: Client) -> None:
    for token in ("x" * 20_000, "a.b.c", "..", "é", "null", ana.token[:-1] if ana.token else ""):
        response = await ana.http.get("/v2.1/users/me", headers={"Authorization": f"Bearer {token}".encode()})
        assert refusal(response, 401) == "invalid_token"
    twice = await ana.http.get(
        "/v2.1/users/me", headers=[("Authorization", f"Bearer {ana.token}"), ("Authorization", "Bearer x")]
    )
    assert refusal(twice, 401) == "invalid_token"


async def test_a_parameter_of_the_query_is_there_once(ana: Client) -> None:
    for target in (
        "/connections?page=1&page=1", "/accounts?type=LOAN&type=SAVINGS", "/providers?q=a&q=b",
        "/transactions?start_date=1&start_date=2",
    ):  # fmt: skip
        await ana.refused(400, "BAD_PARAMETER", "GET", target)
    await ana.refused(400, "BAD_PARAMETER", "POST", "/connections/1/synchronize?type=ALL&type=LIST_ACCOUNTS")


async def test_what_no_route_asks_for_is_read_over(ana: Client) -> None:
    for query in ("x=1&x=2", "user=null", "runtime=1&runtime=2"):
        assert await ana.get(f"/accounts?{query}") == [], query
    assert await ana.get("/providers?q=null") == [], "a name may have any letters"
