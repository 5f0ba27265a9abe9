"""Coming back from the page that a redirect challenge sent its user to: that is the answer, once."""

import asyncio
import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import pytest_asyncio

from afflux.domain.connections import Connection
from afflux.domain.errors import SyncErrorCode
from afflux.domain.syncs import Sync, SyncStatus
from afflux.runtime import Runtime
from afflux.services import challenges, connections
from tests.conftest import Tenant
from tests.jobs.acting import current, link, request, until, working
from tests.widget.test_bank import path_of

BACK = "/widget/return/challenge"
CLOSED = "This page is not open"


@pytest_asyncio.fixture
async def linked(runtime: Runtime, alice: Tenant) -> Connection:
    """A connection to a bank with a page of its own."""
    return await link(runtime, alice, "redirect")


async def waiting(runtime: Runtime, tenant: Tenant, connection: Connection) -> Sync:
    """A sync that asks its user, with nobody at work."""
    async with working(runtime):
        return await until(runtime, await request(runtime, tenant, connection), SyncStatus.WAITING)


def way_to(sync: Sync) -> str:
    """The path of the page that the user is sent to, which is the way back as well."""
    assert sync.challenge is not None
    return path_of(sync.challenge["url"])


def state_of(sync: Sync) -> str:
    """The secret in it."""
    return parse_qs(urlsplit(way_to(sync)).query)["state"][0]


async def test_coming_back_is_the_answer(
    runtime: Runtime, alice: Tenant, linked: Connection, browser: httpx.AsyncClient
) -> None:
    async with working(runtime):
        sync = await until(runtime, await request(runtime, alice, linked), SyncStatus.WAITING)
        page = await browser.get(way_to(sync))
        await until(runtime, sync, SyncStatus.FINISHED)
    assert (page.status_code, "You may close this page and go back" in page.text) == (200, True)
    assert state_of(sync) not in page.text
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"


async def test_who_refused_there_has_answered_too(runtime: Runtime, alice: Tenant, browser: httpx.AsyncClient) -> None:
    connection = await link(runtime, alice, "redirect-refused")
    async with working(runtime):
        sync = await until(runtime, await request(runtime, alice, connection), SyncStatus.WAITING)
        page = await browser.get(way_to(sync))
        ended = await until(runtime, sync, SyncStatus.FAILED)
    assert page.status_code == 200
    assert ended.error_code is SyncErrorCode.CONSENT_REQUIRED


async def test_of_twenty_returns_at_once_one_counts(
    runtime: Runtime, alice: Tenant, linked: Connection, browser: httpx.AsyncClient
) -> None:
    sync = await waiting(runtime, alice, linked)
    answers = await asyncio.gather(*(browser.get(way_to(sync)) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 19
    assert (await current(runtime, sync)).status is SyncStatus.PENDING
    late = await browser.get(way_to(sync))
    assert (late.status_code, CLOSED in late.text) == (404, True)


@pytest.mark.parametrize("state", ["", "x", "%00", "%ed%a0%80", "é", "A" * 158, "x" * 8000])
async def test_a_state_that_was_made_up_answers_nothing(
    runtime: Runtime, alice: Tenant, linked: Connection, browser: httpx.AsyncClient, state: str
) -> None:
    sync = await waiting(runtime, alice, linked)
    for query in (f"?state={state}&code=1234", "?code=1234", ""):
        page = await browser.get(f"{BACK}{query}")
        assert (page.status_code, CLOSED in page.text) == (404, True)
    assert await current(runtime, sync) == sync


async def test_a_state_with_one_other_letter_answers_nothing(
    runtime: Runtime, alice: Tenant, linked: Connection, browser: httpx.AsyncClient
) -> None:
    sync = await waiting(runtime, alice, linked)
    state = state_of(sync)
    for place in range(0, len(state) - 1, 10):
        other = state[:place] + ("A" if state[place] != "A" else "B") + state[place + 1 :]
        assert (await browser.get(BACK, params={"state": other, "code": "1234"})).status_code == 404
    assert await current(runtime, sync) == sync


async def test_a_state_is_good_for_its_own_challenge_only(
    runtime: Runtime, alice: Tenant, linked: Connection, browser: httpx.AsyncClient
) -> None:
    """A wrong answer is asked again, with a new state: the first one is over."""
    connection = await link(runtime, alice, "redirect+forgiving")
    async with working(runtime):
        first = await until(runtime, await request(runtime, alice, connection), SyncStatus.WAITING)
        assert (await browser.get(BACK, params={"state": state_of(first), "code": "wrong"})).status_code == 200
        second = await until(runtime, first, SyncStatus.WAITING)
        assert (await browser.get(way_to(first))).status_code == 404
        assert (await browser.get(way_to(second))).status_code == 200
        await until(runtime, first, SyncStatus.FINISHED)


async def test_a_challenge_that_is_over_is_not_answered(
    runtime: Runtime, alice: Tenant, linked: Connection, browser: httpx.AsyncClient
) -> None:
    sync = await waiting(runtime, alice, linked)
    async with runtime.database.transaction() as tx:
        await tx.execute("""UPDATE syncs SET challenge = challenge || '{"expires_at": "2020-01-01T00:00:00Z"}'""")
    assert (await browser.get(way_to(sync))).status_code == 404
    assert (await current(runtime, sync)).status is SyncStatus.WAITING


async def test_a_question_of_another_kind_is_not_answered_by_a_visit(
    runtime: Runtime, alice: Tenant, browser: httpx.AsyncClient
) -> None:
    sync = await waiting(runtime, alice, await link(runtime, alice, "sms"))
    asking = replace(sync, attempt=sync.attempt - 1)
    way = path_of(challenges.way_back(runtime.vault, runtime.settings.public_url, asking))
    assert (await browser.get(f"{way}&sms=1234")).status_code == 404
    assert await current(runtime, sync) == sync


async def test_a_connection_that_was_deleted_meanwhile_is_gone(
    runtime: Runtime, alice: Tenant, linked: Connection, browser: httpx.AsyncClient
) -> None:
    sync = await waiting(runtime, alice, linked)
    async with runtime.database.transaction() as tx:
        await connections.delete(tx, alice.principal, linked)
    assert (await browser.get(way_to(sync))).status_code == 404


async def test_a_state_tells_nothing_of_whose_it_is(runtime: Runtime, alice: Tenant, linked: Connection) -> None:
    sync = await waiting(runtime, alice, linked)
    assert re.fullmatch(r"[A-Za-z0-9_-]{100,400}", state_of(sync))
    assert not {sync.id.hex, str(sync.id), str(sync.connection_id)} & set(re.split(r"[&=?/.]", way_to(sync)))
