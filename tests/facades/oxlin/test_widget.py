"""Sessions of the widget, and the screens that they open."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from afflux.runtime import Runtime
from tests.facades.oxlin.calling import ANA, Client

SESSION = "/v2.1/widget/widget_session"
BASE = "http://127.0.0.1:8080/v2.1/widget"
SCREENS = ("add_connection", "edit_credentials", "user_input", "manage_accounts", "professional-account", "terms")


def said(client: Client, **other: str | None) -> dict[str, Any]:
    """What a session is asked for with, or something else in its place."""
    fields = {"client_id": client.client_id, "client_secret": client.secret, "access_token": client.token, **other}
    return {name: value for name, value in fields.items() if value is not None}


async def opened(client: Client) -> Any:
    """A new session."""
    response = await client.http.post(SESSION, json=said(client))
    assert response.status_code == 200, response.text
    return response.json()


async def refusal(response: httpx.Response) -> tuple[int, str]:
    assert response.headers["content-type"] == "application/json;charset=UTF-8"
    return response.status_code, response.json()["error"]


@pytest.mark.parametrize("path", [SESSION, "/v2.1/widget_session"])
@pytest.mark.parametrize("form", [True, False])
async def test_a_session_has_links_to_its_screens(ana: Client, path: str, form: bool) -> None:
    response = await (ana.http.post(path, data=said(ana)) if form else ana.http.post(path, json=said(ana)))
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    session = response.json()
    id = session["session_id"]
    assert session == {
        "session_id": id,
        "_links": {
            "add_connection": f"{BASE}/add_connection?session_id={id}",
            "professional_account": f"{BASE}/professional-account?session_id={id}",
            "terms": f"{BASE}/terms?session_id={id}",
        },
    }
    for link in session["_links"].values():
        assert (await ana.http.get(f"{link}&redirect_url=https://app.example/back&locale=fr")).status_code == 200


async def test_every_screen_says_what_it_is_for(ana: Client) -> None:
    session = await opened(ana)
    headings = set()
    for screen in SCREENS:
        page = await ana.http.get(f"{BASE}/{screen}?session_id={session['session_id']}")
        assert page.status_code == 200
        assert page.headers["content-type"].startswith("text/html")
        assert "default-src 'none'" in page.headers["content-security-policy"]
        (heading,) = re.findall(r"<h1>(.*)</h1>", page.text)
        headings.add(re.sub("<.*?>", "", heading))
    assert len(headings) == len(SCREENS)
    assert "shop asks you to link a bank" in headings


async def test_captive_mode_is_handed_on_where_it_is_off(ana: Client) -> None:
    for mode, end in (("true", ""), ("false", "&captive_mode=false")):
        response = await ana.http.post(f"{SESSION}?captive_mode={mode}", json=said(ana))
        session = response.json()
        expected = f"{BASE}/add_connection?session_id={session['session_id']}{end}"
        assert session["_links"]["add_connection"] == expected
        assert (await ana.http.get(expected)).status_code == 200
    for mode in ("TRUE", "1", "null", ""):
        response = await ana.http.post(f"{SESSION}?captive_mode={mode}", json=said(ana))
        assert await refusal(response) == (400, "BAD_PARAMETER")


async def test_client_secret_and_token_have_to_be_right(shop: Client, kiosk: Client, ana: Client) -> None:
    eva = await kiosk.joined_by("eva@example.org", "Th1rd!Passw0rd")
    itself = await shop.itself()
    narrow = await shop.tokens(
        grant_type="password", username=ANA["email"], password=ANA["password"], scope="connections_sync"
    )
    for wrong, status, error in (
        ({"client_secret": "guess"}, 401, "invalid_client"),
        ({"client_secret": None}, 401, "invalid_client"),
        ({"client_id": kiosk.client_id}, 401, "invalid_client"),
        ({"access_token": None}, 400, "invalid_request"),
        ({"access_token": "x.y.z"}, 401, "invalid_token"),
        ({"access_token": eva.token}, 401, "invalid_token"),
        ({"access_token": itself.token}, 403, "insufficient_scope"),
        ({"access_token": narrow["access_token"]}, 403, "insufficient_scope"),
    ):
        response = await ana.http.post(SESSION, json=said(ana, **wrong))
        assert await refusal(response) == (status, error), wrong
    assert await refusal(await ana.http.post(SESSION)) == (401, "invalid_client")
    for body, kind, status, error in (
        (b"[]", "application/json", 400, "invalid_request"),
        (b'{"client_id": 1}', "application/json", 400, "invalid_request"),
        (b"<a/>", "text/xml", 415, "UNSUPPORTED_MEDIA_TYPE"),
    ):
        response = await ana.http.post(SESSION, content=body, headers={"Content-Type": kind})
        assert await refusal(response) == (status, error)


async def test_a_token_of_someone_who_is_gone_opens_nothing(ana: Client) -> None:
    session = await opened(ana)
    await ana.delete("/users/me")
    assert await refusal(await ana.http.post(SESSION, json=said(ana))) == (401, "invalid_token")
    assert (await ana.http.get(session["_links"]["terms"])).status_code == 404


async def test_a_screen_without_an_open_session_is_closed(runtime: Runtime, ana: Client, kiosk: Client) -> None:
    session = await opened(ana)
    assert (await ana.http.get(session["_links"]["add_connection"])).status_code == 200
    async with runtime.database.transaction() as tx:
        expires = await tx.value("SELECT expires_at FROM connect_sessions")
        assert timedelta() < expires - tx.now <= timedelta(hours=1)
        await tx.execute("UPDATE connect_sessions SET expires_at = $1", tx.now)
    for query in (f"?session_id={session['session_id']}", "?session_id=x", "?session_id=", ""):
        page = await ana.http.get(f"{BASE}/terms{query}")
        assert page.status_code == 404
        assert "This page is not open" in page.text


async def test_basic_names_the_client_too(ana: Client) -> None:
    unnamed = replace(ana, client_id="", secret="")
    fields = {"access_token": said(unnamed)["access_token"]}
    response = await ana.http.post(SESSION, data=fields, auth=(ana.client_id, ana.secret))
    assert response.status_code == 200
