"""`POST /token`: every grant, and every way to be refused."""

import base64
from typing import Any

import pytest
from joserfc import jws

from afflux.config import Settings
from tests.facades.oxlin.calling import ANA, Client


async def said(shop: Client, **fields: str) -> tuple[int, str]:
    response = await shop.ask(**fields)
    return response.status_code, response.json()["error"]


async def test_a_form_and_json_and_basic_all_get_a_token(shop: Client) -> None:
    fields = {"grant_type": "client_credentials", "provider": "linxoConnect"}
    basic = base64.b64encode(f"{shop.client_id}:{shop.secret}".encode()).decode()
    body = {"client_id": shop.client_id, "client_secret": shop.secret}
    answers = [
        await shop.http.post("/token", data=fields | body),
        await shop.http.post("/token", json=fields | body),
        await shop.http.post("/token", data=fields, headers={"Authorization": f"Basic {basic}"}),
    ]
    for response in answers:
        assert response.status_code == 200
        given = response.json()
        assert given.pop("access_token")
        assert given == {"token_type": "Bearer", "expires_in": 3600, "scope": "users_create"}
        assert response.headers["cache-control"] == "no-store"


async def test_the_claims_are_those_of_the_contract(shop: Client, ana: Client) -> None:
    for client, subject in ((await shop.itself(), shop.client_id), (ana, ana.user_id)):
        token = jws.extract_compact((client.token or "").encode())
        claims: dict[str, Any] = __import__("json").loads(token.payload)
        assert token.headers()["alg"] == "RS256"
        assert claims["sub"] == subject
        assert claims["aud"] == shop.client_id
        assert claims["exp"] - claims["iat"] == 3600
        assert {"jti", "iss", "scope"} <= claims.keys()


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_secret": "wrong"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "nobody"}, 401, "invalid_client"),
        ({}, 400, "invalid_request"),
        ({"grant_type": "magic"}, 400, "unsupported_grant_type"),
        ({"grant_type": "password", "username": ANA["email"]}, 400, "invalid_request"),
        ({"grant_type": "password", "username": ANA["email"], "password": "wrong"}, 400, "invalid_grant"),
        ({"grant_type": "password", "username": "nobody@example.org", "password": "x"}, 400, "invalid_grant"),
        ({"grant_type": "refresh_token"}, 400, "invalid_request"),
        ({"grant_type": "refresh_token", "refresh_token": "made up"}, 400, "invalid_grant"),
        ({"grant_type": "authorization_code", "code": "made up"}, 400, "invalid_grant"),
        ({"grant_type": "client_credentials", "scope": "everything"}, 400, "invalid_scope"),
        ({"grant_type": "client_credentials", "scope": "accounts_read"}, 400, "invalid_scope"),
        ({"grant_type": "password", **ANA, "username": ANA["email"], "scope": "nothing"}, 400, "invalid_scope"),
    ],
)
async def test_what_is_wrong_is_said_in_the_words_of_oauth(
    shop: Client, ana: Client, fields: dict[str, str], status: int, error: str
) -> None:
    assert await said(shop, **fields) == (status, error)


async def test_a_body_that_cannot_be_read_is_refused(shop: Client) -> None:
    for content, kind in (
        (b"{", "application/json"),
        (b"a=1&a=2", "application/x-www-form-urlencoded"),
        (b"[]", "application/json"),
    ):
        response = await shop.http.post("/token", content=content, headers={"Content-Type": kind})
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request")
    response = await shop.http.post("/token", content=b"<a/>", headers={"Content-Type": "text/xml"})
    assert (response.status_code, response.json()["error"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


async def test_a_scope_narrows_what_a_token_is_good_for(shop: Client, ana: Client) -> None:
    given = await shop.tokens(
        grant_type="password", username=ANA["email"], password=ANA["password"], scope="profile openid"
    )
    assert given["scope"] == "openid profile"
    narrow = shop.with_token(given["access_token"])
    assert await narrow.get("/users/me")
    await narrow.refused(403, "insufficient_scope", "DELETE", "/users/me")


async def test_a_refresh_token_is_good_until_the_next_one_is_used(shop: Client, ana: Client) -> None:
    first = await shop.tokens(grant_type="password", username=ANA["email"], password=ANA["password"])
    second = await shop.tokens(grant_type="refresh_token", refresh_token=first["refresh_token"])
    again = await shop.tokens(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert len({each["refresh_token"] for each in (first, second, again)}) == 3
    assert await shop.with_token(again["access_token"]).get("/users/me")


async def test_a_spent_refresh_token_takes_its_family_along(shop: Client, ana: Client) -> None:
    first = await shop.tokens(grant_type="password", username=ANA["email"], password=ANA["password"])
    second = await shop.tokens(grant_type="refresh_token", refresh_token=first["refresh_token"])
    third = await shop.tokens(grant_type="refresh_token", refresh_token=second["refresh_token"])
    stranger = shop.with_token(third["access_token"])
    assert await stranger.get("/users/me")
    assert await said(shop, grant_type="refresh_token", refresh_token=first["refresh_token"]) == (400, "invalid_grant")
    assert await said(shop, grant_type="refresh_token", refresh_token=third["refresh_token"]) == (400, "invalid_grant")
    await stranger.refused(401, "invalid_token", "GET", "/users/me")
    assert await ana.get("/users/me"), "another sign-in is another family"


async def test_a_renewed_token_can_be_narrower_but_not_wider(shop: Client, ana: Client) -> None:
    first = await shop.tokens(
        grant_type="password", username=ANA["email"], password=ANA["password"], scope="profile accounts_read"
    )
    narrow = await shop.tokens(grant_type="refresh_token", refresh_token=first["refresh_token"], scope="profile")
    assert narrow["scope"] == "profile"
    whole = await shop.tokens(grant_type="refresh_token", refresh_token=narrow["refresh_token"])
    assert whole["scope"] == "profile accounts_read"
    refused = await said(
        shop, grant_type="refresh_token", refresh_token=whole["refresh_token"], scope="profile profile_edit"
    )
    assert refused == (400, "invalid_scope")


async def test_a_refresh_token_is_its_application_s_own(shop: Client, kiosk: Client, ana: Client) -> None:
    mine = await shop.tokens(grant_type="password", username=ANA["email"], password=ANA["password"])
    assert await said(kiosk, grant_type="refresh_token", refresh_token=mine["refresh_token"]) == (400, "invalid_grant")
    assert await shop.tokens(grant_type="refresh_token", refresh_token=mine["refresh_token"])


async def test_an_erased_user_s_tokens_are_worth_nothing(shop: Client, ana: Client) -> None:
    given = await shop.tokens(grant_type="password", username=ANA["email"], password=ANA["password"])
    await ana.delete("/users/me")
    await ana.refused(401, "invalid_token", "GET", "/users/me")
    assert await said(shop, grant_type="refresh_token", refresh_token=given["refresh_token"]) == (400, "invalid_grant")


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer x.y.z", "Basic abc", "bearer "])
async def test_without_a_good_token_there_is_401(shop: Client, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    response = await shop.http.get("/v2.1/users/me", headers=headers)
    assert (response.status_code, response.json()["error"]) == (401, "invalid_token")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_the_scheme_may_be_written_in_any_case(ana: Client) -> None:
    response = await ana.http.get("/v2.1/users/me", headers={"authorization": f"bEARER {ana.token}"})
    assert response.status_code == 200


class TestShortLives:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return Settings(data=settings.data, heartbeat_seconds=2, access_token_seconds=1)

    async def test_a_token_ends(self, shop: Client) -> None:
        import asyncio

        given = await shop.tokens(grant_type="client_credentials")
        assert given["expires_in"] == 1
        client = shop.with_token(given["access_token"])
        async with asyncio.timeout(5):
            while (await client.send("DELETE", "/users/1")).status_code != 401:
                await asyncio.sleep(0.05)
