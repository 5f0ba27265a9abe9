"""The sandbox bank's own page: a person allows or denies, a program just comes by; both go on to the application."""

import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from afflux.domain.applications import Application
from afflux.domain.connections import Connection
from afflux.domain.syncs import SyncKind, SyncStatus
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.jobs.acting import accounts_of, syncs_of, until, working
from tests.jobs.test_channels import channels_of
from tests.services.test_consents import HOME, ask, linked, shop

__all__ = ["linked", "shop"]  # fixtures

HTML = {"Accept": "text/html,application/xhtml+xml"}
ARRIVED = f"{HOME}&connection_id=7"
REFUSED = f"{ARRIVED}&error=access_denied"


def path_of(address: str) -> str:
    """What a browser asks the server for."""
    return urlsplit(address)._replace(scheme="", netloc="").geturl()


def csrf_in(page: httpx.Response) -> str:
    """The hidden field of its form."""
    (word,) = re.findall(r'name="csrf" value="([^"]+)"', page.text)
    return str(word)


async def press(browser: httpx.AsyncClient, address: str, decision: str, login: str = "dev") -> httpx.Response:
    """Open the page, press a button, and follow the way back until it leaves the server."""
    page = await browser.get(path_of(address), headers=HTML)
    form = {"csrf": csrf_in(page), "login": login, "decision": decision}
    sent = await browser.post(path_of(address), data=form, headers=HTML)
    assert sent.status_code == 303
    return await browser.get(path_of(sent.headers["Location"]), headers=HTML)


async def test_allowing_leads_back_to_the_application_and_starts_the_sync(
    runtime: Runtime, alice: Tenant, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    back = await press(browser, await ask(runtime, shop, linked), "allow")
    async with working(runtime):
        (sync,) = await syncs_of(runtime, linked)
        ended = await until(runtime, sync, SyncStatus.FINISHED)
    assert (back.status_code, back.headers["Location"]) == (302, ARRIVED)
    assert (ended.kind, ended.result["failed_channels"]) == (SyncKind.ACCOUNTS, {})
    assert (await channels_of(runtime, linked))["r"].status == "success"
    assert await accounts_of(runtime, alice)


async def test_denying_leads_back_too_and_starts_nothing(
    runtime: Runtime, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    back = await press(browser, await ask(runtime, shop, linked), "deny")
    assert (back.status_code, back.headers["Location"]) == (302, REFUSED)
    assert await syncs_of(runtime, linked) == []
    assert (await channels_of(runtime, linked))["r"].consent_expires_at is None


async def test_a_program_consents_by_coming_here(
    runtime: Runtime, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    answer = await browser.get(path_of(await ask(runtime, shop, linked)))
    assert (answer.status_code, answer.headers["Location"]) == (302, ARRIVED)
    assert len(await syncs_of(runtime, linked)) == 1
    assert (await channels_of(runtime, linked))["r"].consent_expires_at is not None


async def test_a_program_may_say_whose_accounts_are_meant(
    runtime: Runtime, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    await browser.get(path_of(await ask(runtime, shop, linked)) + "&login=dev%2Blocked")
    async with working(runtime):
        (sync,) = await syncs_of(runtime, linked)
        await until(runtime, sync, SyncStatus.FINISHED)
    assert (await channels_of(runtime, linked))["r"].error_code == "account_locked"


async def test_the_page_says_who_asks_and_lets_the_browser_do_nothing_else(
    runtime: Runtime, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE applications SET name = $2 WHERE id = $1", shop.id, "<script>alert(1)</script>")
    page = await browser.get(path_of(await ask(runtime, shop, linked)), headers=HTML)
    assert page.status_code == 200
    assert "&lt;script&gt;alert(1)&lt;/script&gt;</bdi> asks to read your accounts" in page.text
    assert "<script" not in page.text
    assert "for\n        90 days" in page.text
    assert page.headers["Content-Security-Policy"] == (
        "default-src 'none'; style-src 'self'; form-action 'self' https://app.example; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "HttpOnly; SameSite=Strict" in page.headers["Set-Cookie"]
    assert (await browser.get("/sandbox/style.css")).status_code == 200


async def test_a_form_from_elsewhere_decides_nothing(
    runtime: Runtime, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    address = path_of(await ask(runtime, shop, linked))
    csrf = csrf_in(await browser.get(address, headers=HTML))
    form = {"login": "dev", "decision": "allow"}
    for sent in ({}, {"csrf": ""}, {"csrf": csrf[:-1]}, {"csrf": "é" * 43}):
        answer = await browser.post(address, data=form | sent, headers=HTML)
        assert (answer.status_code, "Allow" in answer.text) == (200, True)
    browser.cookies.clear()
    assert (await browser.post(address, data=form | {"csrf": csrf}, headers=HTML)).status_code == 200
    assert await syncs_of(runtime, linked) == []


@pytest.mark.parametrize(
    "path", ["/sandbox/bank", "/sandbox/bank?state=x", "/widget/return", "/widget/return?state=x&code=y"]
)
async def test_a_state_that_is_not_open_shows_a_friendly_page(browser: httpx.AsyncClient, path: str) -> None:
    for headers in (HTML, {"Accept": "*/*"}):
        page = await browser.get(path, headers=headers)
        assert (page.status_code, "This page is not open" in page.text) == (404, True)


async def test_coming_back_twice_counts_once(
    runtime: Runtime, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    state = parse_qs(urlsplit(await ask(runtime, shop, linked)).query)["state"][0]
    answers = [await browser.get("/widget/return", params={"state": state, "code": "x.dev"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [302, 404]


async def test_who_named_no_address_is_thanked(
    runtime: Runtime, shop: Application, linked: Connection, browser: httpx.AsyncClient
) -> None:
    page = await press(browser, await ask(runtime, shop, linked, home=None), "allow")
    assert (page.status_code, "Your answer has arrived" in page.text) == (200, True)
