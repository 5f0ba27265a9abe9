"""The sign-in page and the authorization code."""

import base64
import hashlib
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from afflux.runtime import Runtime
from tests.facades.oxlin.calling import ANA, BACK, Client
from tests.facades.oxlin.test_tokens import said


def query(shop: Client, **changes: str) -> str:
    """What an application asks for."""
    wish = {"client_id": shop.client_id, "redirect_uri": BACK, "response_type": "code", "state": "s&1", **changes}
    return urlencode({name: value for name, value in wish.items() if value})


async def sign_in(
    shop: Client, password: str = ANA["password"], email: str = ANA["email"], **changes: str
) -> httpx.Response:
    """Open the page and send the form."""
    place = f"/signin?{query(shop, **changes)}"
    page = await shop.http.get(place)
    assert page.status_code == 200, page.text
    (csrf,) = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    return await shop.http.post(place, data={"csrf": csrf, "email": email, "password": password})


def came_back(response: httpx.Response) -> dict[str, str]:
    """What the browser brings to the application."""
    location = response.headers["location"]
    assert location.startswith(BACK + "?")
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


async def test_a_person_signs_in_and_the_application_gets_a_token(shop: Client, ana: Client) -> None:
    brought = came_back(await sign_in(shop, scope="accounts_read openid"))
    assert brought.keys() == {"code", "state"}
    assert brought["state"] == "s&1"
    given = await shop.tokens(grant_type="authorization_code", code=brought["code"], redirect_uri=BACK)
    assert given["scope"] == "openid accounts_read"
    assert given["refresh_token"]
    assert await shop.with_token(given["access_token"]).get("/accounts") == []
    assert await shop.tokens(grant_type="refresh_token", refresh_token=given["refresh_token"])


async def test_a_code_is_good_once_and_its_reuse_takes_the_tokens_back(shop: Client, ana: Client) -> None:
    code = came_back(await sign_in(shop))["code"]
    given = await shop.tokens(grant_type="authorization_code", code=code, redirect_uri=BACK)
    refused = await said(shop, grant_type="authorization_code", code=code, redirect_uri=BACK)
    assert refused == (400, "invalid_grant")
    await shop.with_token(given["access_token"]).refused(401, "invalid_token", "GET", "/users/me")


async def test_a_code_is_for_one_client_one_address_and_a_minute(
    shop: Client, kiosk: Client, ana: Client, runtime: Runtime
) -> None:
    code = came_back(await sign_in(shop))["code"]
    assert await said(kiosk, grant_type="authorization_code", code=code, redirect_uri=BACK) == (400, "invalid_grant")
    elsewhere = await said(shop, grant_type="authorization_code", code=code, redirect_uri=BACK + "/")
    assert elsewhere == (400, "invalid_grant")
    code = came_back(await sign_in(shop))["code"]
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE authorization_codes SET expires_at = expires_at - interval '61 seconds'")
    assert await said(shop, grant_type="authorization_code", code=code, redirect_uri=BACK) == (400, "invalid_grant")


@pytest.mark.parametrize(("verifier", "good"), [("v" * 43, True), ("w" * 43, False), ("", False)])
async def test_who_began_with_a_challenge_ends_with_its_verifier(
    shop: Client, ana: Client, verifier: str, good: bool
) -> None:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    back = await sign_in(shop, code_challenge=challenge, code_challenge_method="S256")
    response = await shop.ask(
        grant_type="authorization_code", code=came_back(back)["code"], redirect_uri=BACK, code_verifier=verifier
    )
    assert response.is_success == good


async def test_a_verifier_without_a_challenge_is_refused(shop: Client, ana: Client) -> None:
    code = came_back(await sign_in(shop))["code"]
    refused = await said(shop, grant_type="authorization_code", code=code, redirect_uri=BACK, code_verifier="v" * 43)
    assert refused == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"code_challenge": "x" * 43, "code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short", "code_challenge_method": "S256"}, "invalid_request"),
    ],
)
async def test_the_application_is_told_what_is_wrong(shop: Client, changes: dict[str, str], error: str) -> None:
    response = await shop.http.get(f"/signin?{query(shop, **changes)}")
    assert (response.status_code, response.content) == (303, b"")
    assert came_back(response)["error"] == error
    assert came_back(response)["state"] == "s&1"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": ""},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": BACK + "/"},
        {"redirect_uri": ""},
    ],
)
async def test_nobody_is_sent_to_a_stranger_s_address(shop: Client, changes: dict[str, str]) -> None:
    for method in ("GET", "POST"):
        response = await shop.http.request(method, f"/signin?{query(shop, **changes)}")
        assert response.status_code == 400
        assert "location" not in response.headers


async def test_a_wrong_password_shows_the_form_again(shop: Client, ana: Client) -> None:
    for response in (await sign_in(shop, "wrong"), await sign_in(shop, email='"><b>nobody</b>')):
        assert response.status_code == 400
        assert "The address is unknown or the password is wrong." in response.text
        assert "<b>nobody" not in response.text


async def test_passwords_are_not_tried_without_end(shop: Client, ana: Client) -> None:
    seen = [(await sign_in(shop, "guess")).text for _ in range(21)]  # A new minute may have begun meanwhile.
    assert any("Please wait a minute." in page for page in seen[10:])
    assert not any("Please wait a minute." in page for page in seen[:10])


async def test_a_form_from_elsewhere_does_nothing(shop: Client, ana: Client) -> None:
    fields = {"email": ANA["email"], "password": ANA["password"], "csrf": "x" * 43}
    response = await shop.http.post(f"/signin?{query(shop)}", data=fields)
    assert response.status_code == 400
    assert "location" not in response.headers


async def test_the_page_lets_a_browser_do_nothing_else(shop: Client) -> None:
    page = await shop.http.get(f"/signin?{query(shop)}")
    assert "form-action 'self' https://app.example;" in page.headers["content-security-policy"]
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")
    assert "HttpOnly; SameSite=Strict" in page.headers["set-cookie"]
    assert (await shop.http.get("/signin/style.css")).headers["content-type"].startswith("text/css")
