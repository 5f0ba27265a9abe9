"""What a user sees whom an application sends to the connect page."""

import html
import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from afflux.app import create_app
from afflux.domain.applications import Facade
from afflux.domain.connect_sessions import ConnectAction, ProviderType, Wish
from afflux.domain.connections import Connection
from afflux.runtime import Runtime
from afflux.services import connect_sessions, connections
from tests.conftest import Tenant
from tests.jobs.acting import link

CREATE, EDIT, STATUS, SYNC, SUGGESTION = ConnectAction
BANK, DOCUMENT = ProviderType
CLOSED = "The link has expired or was closed: please go back to the application that sent you here, and start again."
HOSTILE = "</title><script>alert('1')</script><img src=x onerror=alert(2)>\"&amp;\u202e"

TAGS = {"html", "head", "meta", "title", "link", "body", "main", "div", "h1", "bdi", "p", "time"}


async def invite(runtime: Runtime, tenant: Tenant, **wish: Any) -> str:
    """The path of a page that is open for the user."""
    async with runtime.database.transaction() as tx:
        token = await connect_sessions.create(
            tx, runtime.registry, tenant.principal, tenant.user.id, Facade.ISWIGO, Wish(**wish)
        )
    return f"/widget/?session={token}"


async def link_called(runtime: Runtime, tenant: Tenant, name: str) -> Connection:
    """A connection with a name of its own."""
    typed = {100000: {"login": "fast", "password": "123456"}}
    async with runtime.database.transaction() as tx:
        return await connections.create(
            tx, runtime.vault, runtime.registry, tenant.principal, tenant.user, 1000, typed, name=name
        )


def headline(page: httpx.Response) -> str:
    """The page's heading as a person reads it."""
    (found,) = re.findall(r"<h1>(.*?)</h1>", page.text, re.DOTALL)
    return html.unescape(re.sub(r"</?bdi>", "", found))


def is_harmless(page: httpx.Response) -> bool:
    """Whether the answer tells the browser to keep nothing, guess nothing, and run nothing."""
    policy = page.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Content-Type"] == "text/html; charset=utf-8"
    return not re.search(r"<script|<style|<[^>]*\s(on\w+|style)=", page.text)


async def opened_at(runtime: Runtime) -> list[Any]:
    """When each session was first visited."""
    async with runtime.database.reading() as tx:
        return [row["opened_at"] for row in await tx.fetch("SELECT opened_at FROM connect_sessions")]


@pytest.mark.parametrize(
    ("wish", "ask"),
    [
        (Wish(action=CREATE), "link a bank or a provider of documents"),
        (Wish(action=CREATE, type=BANK), "link a bank"),
        (Wish(action=CREATE, type=DOCUMENT), "link a provider of documents"),
        (Wish(action=CREATE, type=BANK, country="FR"), "link a bank (FR)"),
        (Wish(action=CREATE, provider=999), "link Banque de test"),
        (Wish(action=STATUS), "check your connections"),
        (Wish(action=STATUS, type=BANK), "check your bank connections"),
        (Wish(action=SYNC), "refresh your connections"),
        (Wish(action=SYNC, type=DOCUMENT), "refresh your connections to providers of documents"),
        (Wish(action=SUGGESTION), "suggest a provider to be added"),
        (Wish(action=SUGGESTION, suggestion="Näher & Söhne"), "suggest “Näher & Söhne” to be added"),
    ],
)
async def test_the_page_says_who_asks_and_for_what(
    runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant, wish: Wish, ask: str
) -> None:
    page = await browser.get(await invite(runtime, alice, **{name: getattr(wish, name) for name in wish.__slots__}))
    assert headline(page) == f"shop asks you to {ask}"
    assert f"<title>{html.escape(f'shop asks you to {ask}')}</title>" in page.text
    assert is_harmless(page)


async def test_the_page_names_the_connections_it_is_about(
    runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant
) -> None:
    ids = [(await link_called(runtime, alice, name)).id for name in ("House", "Garden", "Boat")]
    for action, count, ask in (
        (EDIT, 1, "update how you log in to House"),
        (SYNC, 1, "refresh your connection to House"),
        (SYNC, 2, "refresh your connections to House and Garden"),
        (STATUS, 3, "check your connections to House, Garden and Boat"),
    ):
        page = await browser.get(await invite(runtime, alice, action=action, connections=tuple(ids[:count])))
        assert headline(page) == f"shop asks you to {ask}"


async def test_a_connection_deleted_meanwhile_is_said_to_be_gone(
    runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant
) -> None:
    connection = await link(runtime, alice, "fast")
    path = await invite(runtime, alice, action=EDIT, connections=(connection.id,))
    async with runtime.database.transaction() as tx:
        await connections.delete(tx, alice.principal, connection)
    page = await browser.get(path)
    assert headline(page) == "shop asks you to update how you log in to a provider that is no longer linked"


async def test_the_page_says_until_when_it_is_open(runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant) -> None:
    page = await browser.get(await invite(runtime, alice, action=SYNC))
    async with runtime.database.reading() as tx:
        until = await tx.value("SELECT expires_at FROM connect_sessions")
    assert re.search(
        rf'<time datetime="{until:%Y-%m-%dT%H:%M:%S}\+00:00">{until.day} {until:%B %Y, %H:%M} UTC</time>', page.text
    )


async def test_names_are_only_ever_text(runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant) -> None:
    connection = await link_called(runtime, alice, HOSTILE)
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE applications SET name = $1", HOSTILE)
    for wish in ({"action": SYNC, "connections": (connection.id,)}, {"action": SUGGESTION, "suggestion": HOSTILE}):
        page = await browser.get(await invite(runtime, alice, **wish))
        assert set(re.findall(r"<(\w+)", page.text)) == TAGS
        assert headline(page).count(HOSTILE) == 2
        assert is_harmless(page)


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?session=",
        "?session=5e7d3c1a-8f7b-4a59-9d31-2b6f0c4e8a17",
        "?session=%00",
        "?session=%ff%fe",
        "?session=%ed%a0%80",
        "?session=" + "x" * 8000,
        "?session=a&session=b",
        "?session[]=a",
        "?other=1",
        "?%",
    ],
)
async def test_without_an_open_session_there_is_one_friendly_sentence(browser: httpx.AsyncClient, query: str) -> None:
    for path in ("/widget/", "/widget"):
        page = await browser.get(path + query)
        assert page.status_code == 404
        assert CLOSED in page.text
        assert is_harmless(page)


async def test_a_page_that_is_over_or_closed_is_like_one_that_never_was(
    runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant
) -> None:
    never = await browser.get("/widget/?session=5e7d3c1a-8f7b-4a59-9d31-2b6f0c4e8a17")
    closed, over = [await invite(runtime, alice, action=SYNC) for _ in range(2)]
    async with runtime.database.transaction() as tx:
        principal = replace(alice.principal, user_id=alice.user.id)
        await connect_sessions.close(tx, principal, alice.user.id, closed.partition("=")[2])
        await tx.execute("UPDATE connect_sessions SET expires_at = $1", tx.now - timedelta(seconds=1))
    for path in (closed, over):
        page = await browser.get(path)
        assert (page.status_code, page.content, page.headers) == (404, never.content, never.headers)


async def test_the_first_visit_is_noted(runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant) -> None:
    path = await invite(runtime, alice, action=SYNC)
    assert await opened_at(runtime) == [None]
    await browser.get(path)
    (first,) = await opened_at(runtime)
    await browser.get(path)
    assert first is not None
    assert await opened_at(runtime) == [first]


async def test_head_answers_like_get_without_the_page(
    runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant
) -> None:
    for path in (await invite(runtime, alice, action=SYNC), "/widget/"):
        page, head = await browser.get(path), await browser.head(path)
        assert (head.status_code, head.headers, head.content) == (page.status_code, page.headers, b"")


async def test_other_verbs_and_other_paths_are_refused_with_a_page(
    runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant
) -> None:
    path = await invite(runtime, alice, action=SYNC)
    for verb in ("POST", "PUT", "PATCH", "DELETE"):
        page = await browser.request(verb, path)
        assert page.status_code == 405
        assert {"GET", "HEAD"} <= set(page.headers["Allow"].split(", "))
        assert is_harmless(page)
    for elsewhere in ("/widget/x", "/widget/../etc/passwd", "/widget/style.css/x", "/widget/%00", "/widget//"):
        page = await browser.get(elsewhere)
        assert page.status_code == 404, elsewhere
        assert "traceback" not in page.text.lower()


async def test_what_a_page_refers_to_is_there(runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant) -> None:
    page = await browser.get(await invite(runtime, alice, action=SYNC))
    assert '<html lang="en">' in page.text
    references = re.findall(r'(?:href|src)="([^"]*)"', page.text)
    assert references == ["/widget/style.css"]
    style = await browser.get(references[0])
    assert (style.status_code, style.headers["Content-Type"]) == (200, "text/css; charset=utf-8")
    assert style.headers["X-Content-Type-Options"] == "nosniff"
    assert "@media (prefers-color-scheme: dark)" in style.text


async def test_behind_a_path_the_style_is_there_too(runtime: Runtime, alice: Tenant) -> None:
    settings = replace(runtime.settings, public_url="https://example.org/money")
    transport = httpx.ASGITransport(create_app(replace(runtime, settings=settings)))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as browser:
        page = await browser.get(await invite(runtime, alice, action=SYNC))
    assert 'href="/money/widget/style.css"' in page.text


async def test_without_a_database_the_page_asks_for_patience(
    runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant
) -> None:
    path = await invite(runtime, alice, action=SYNC)
    await runtime.database.close()
    page = await browser.get(path)
    assert page.status_code == 503
    assert headline(page) == "This page cannot be shown right now"
    assert is_harmless(page)
