"""Linking on the consent pages by a bank's own page: there, back, and on to the application."""

import asyncio
import base64
import re
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio

from afflux.connectors.registry import Registry
from afflux.domain.catalogue import Auth, Manifest
from afflux.domain.scopes import Scope
from afflux.runtime import Runtime
from afflux.services import catalogue_groups
from tests.conftest import Tenant
from tests.facades.digime.calling import Browser, Consumer, landed
from tests.facades.digime.conftest import make_consumer
from tests.facades.digime.test_linking import begun, followed
from tests.jobs.acting import working
from tests.widget.test_bank import HTML, csrf_in, path_of

LINK = "/apps/saas/link?"


@pytest_asyncio.fixture
async def reader(runtime: Runtime, browser: httpx.AsyncClient, alice: Tenant) -> Consumer:
    """A read contract of the application `shop`, and the whole server."""
    return await make_consumer(runtime, browser, alice)


async def at_the_bank(visitor: Browser, response: httpx.Response, decision: str, login: str = "dev") -> httpx.Response:
    """Decide on the bank's page that a response leads to; where the browser is sent in the end."""
    address = path_of(response.headers["location"])
    page = await visitor.http.get(address, headers=HTML)
    form = {"csrf": csrf_in(page), "login": login, "decision": decision}
    sent = await visitor.http.post(address, data=form, headers=HTML)
    return await visitor.http.get(path_of(sent.headers["location"]), headers=HTML)


async def come_home(visitor: Browser, back: httpx.Response) -> httpx.Response:
    """Follow the way back to the consent page, and on."""
    assert back.status_code == 302
    assert back.headers["location"].startswith(LINK)
    assert back.headers["referrer-policy"] == "no-referrer"
    return await followed(visitor, await visitor.http.get(back.headers["location"]))


async def connections_of(runtime: Runtime) -> list[tuple[int, int]]:
    """Number and channel of whatever is linked."""
    async with runtime.database.reading() as tx:
        rows = await tx.fetch(
            "SELECT number, channel_id FROM connections JOIN connection_channels ON connection_id = id ORDER BY number"
        )
    return [(row["number"], row["channel_id"]) for row in rows]


async def test_a_service_is_linked_on_its_own_page(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        visitor, verifier, _ = await begun(reader, 87)
        assert "Go to its own page" in visitor.page.text
        leaving = await visitor.press(decision="visit")
        assert leaving.status_code == 303
        end = await come_home(visitor, await at_the_bank(visitor, leaving, "allow"))
        assert landed(end)["success"] == "true"
        await reader.take(await reader.exchange(verifier, landed(end)["code"]))
    assert [channel for _, channel in await connections_of(runtime)] == [8701]
    async with runtime.database.reading() as tx:
        assert await tx.value("SELECT count(*) FROM accounts") > 0


async def test_a_program_that_shows_no_pages_gets_through_as_well(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        visitor, _, _ = await begun(reader, 87)
        leaving = await visitor.press(decision="visit")
        end = await come_home(visitor, await visitor.http.get(path_of(leaving.headers["location"])))
    assert landed(end)["success"] == "true"


async def test_of_two_ways_the_form_can_be_picked(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        visitor, _, _ = await begun(reader, 87)
        (way,) = re.findall(r'<a href="([^"]+way=form)"', visitor.page.text)
        visitor.page = await visitor.http.get(f"/apps/saas/{way.replace('&amp;', '&')}")
        wrong = await followed(visitor, await visitor.press(decision="link", field_login="dev", field_password="no"))
        assert (wrong.status_code, "refused" in wrong.text, "field_login" in wrong.text) == (400, True, True)
        end = await followed(visitor, await visitor.press(decision="link", field_login="dev", field_password="dev"))
    assert landed(end)["success"] == "true"
    assert [channel for _, channel in await connections_of(runtime)] == [8700]


async def test_who_denies_may_try_the_other_way(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        visitor, _, _ = await begun(reader, 87)
        page = await come_home(visitor, await at_the_bank(visitor, await visitor.press(decision="visit"), "deny"))
        assert (page.status_code, "Nothing was agreed to there." in page.text) == (400, True)
        visitor.page = await visitor.http.get(f"{page.url}&way=form")
        assert "error=" not in visitor.page.text
        end = await followed(visitor, await visitor.press(decision="link", field_login="dev", field_password="dev"))
    assert landed(end)["success"] == "true"
    assert [channel for _, channel in await connections_of(runtime)] == [8700]


async def test_what_goes_wrong_afterwards_is_said_and_can_be_tried_again(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        visitor, _, _ = await begun(reader, 87)
        leaving = await visitor.press(decision="visit")
        page = await come_home(visitor, await at_the_bank(visitor, leaving, "allow", "dev+locked"))
        assert (page.status_code, 'role="alert"' in page.text) == (400, True)
        (before,) = await connections_of(runtime)
        end = await come_home(visitor, await at_the_bank(visitor, await visitor.press(decision="visit"), "allow"))
    assert landed(end)["success"] == "true"
    assert await connections_of(runtime) == [before]


async def test_giving_up_on_the_way_leaves_nothing(runtime: Runtime, reader: Consumer) -> None:
    visitor, _, _ = await begun(reader, 87)
    page = visitor.page
    leaving = await visitor.press(decision="visit")
    visitor.page = page
    assert landed(await visitor.press(decision="cancel"))["errorCode"] == "USER_CANCEL"
    assert await connections_of(runtime) == []
    assert (await visitor.http.get(path_of(leaving.headers["location"]))).status_code == 404


async def test_nobody_comes_back_for_somebody_else(runtime: Runtime, reader: Consumer) -> None:
    """Who is given another's address of the bank's page cannot agree for the other's library."""
    visitor, _, _ = await begun(reader, 87)
    leaving = await visitor.press(decision="visit")
    victim = reader.browser()
    assert (await at_the_bank(victim, leaving, "allow")).status_code == 404
    assert (await victim.http.get(path_of(leaving.headers["location"]))).status_code == 404
    async with runtime.database.reading() as tx:
        assert await tx.value("SELECT count(*) FROM syncs") == 0
        assert await tx.value("SELECT count(*) FROM connection_channels WHERE credentials IS NOT NULL") == 0
    assert (await at_the_bank(visitor, leaving, "allow")).status_code == 302


@pytest.mark.parametrize(
    "held", ["https://evil.example/", "code=x&callback=//evil.example", "a\r\nSet-Cookie: b=c", "\0", ""]
)
async def test_no_cookie_leads_elsewhere(runtime: Runtime, reader: Consumer, held: str) -> None:
    visitor, _, _ = await begun(reader, 87)
    leaving = await visitor.press(decision="visit")
    (name,) = [each for each in visitor.http.cookies if each.startswith("afflux_left_")]
    visitor.http.cookies.delete(name)
    visitor.http.cookies.set(name, base64.urlsafe_b64encode(held.encode()).decode(), domain="127.0.0.1", path="/")
    back = await at_the_bank(visitor, leaving, "allow")
    assert back.status_code == 404 or back.headers["location"].startswith("/apps/saas/link")
    if back.status_code == 302:
        assert (await visitor.http.get(back.headers["location"])).status_code == 400


async def test_a_button_pressed_from_elsewhere_leads_nowhere(runtime: Runtime, reader: Consumer) -> None:
    visitor, _, _ = await begun(reader, 87)
    for sent in ({}, {"csrf": "x" * 43}):
        answer = await visitor.http.post(visitor.page.url, data={"decision": "visit", **sent})
        assert (answer.status_code, "Go to its own page" in answer.text) == (200, True)
    assert await connections_of(runtime) == []


async def test_the_page_with_the_ways_lets_a_form_lead_to_the_bank_and_the_one_with_a_form_does_not(
    reader: Consumer,
) -> None:
    visitor, _, _ = await begun(reader, 87)
    assert re.search(r"form-action 'self'[^;]* https:;", visitor.page.headers["content-security-policy"])
    form = await visitor.http.get(f"{visitor.page.url}&way=form")
    assert not re.search(r" https:;", form.headers["content-security-policy"])


async def test_a_bank_may_ask_for_its_page_in_the_middle(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        visitor, _, _ = await begun(reader, 1000)
        typed = {"field_login": "redirect", "field_password": "123456"}
        page = await followed_to_question(visitor, await visitor.press(decision="link", **typed))
        (way,) = re.findall(r'<a class="button main" href="([^"]+)"', page.text)
        back = await visitor.http.get(path_of(way.replace("&amp;", "&")))
        end = await come_home(visitor, back)
    assert landed(end)["success"] == "true"


async def test_in_another_browser_the_answer_counts_and_the_page_goes_on(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        visitor, _, _ = await begun(reader, 1000)
        typed = {"field_login": "redirect", "field_password": "123456"}
        page = await followed_to_question(visitor, await visitor.press(decision="link", **typed))
        (way,) = re.findall(r'<a class="button main" href="([^"]+)"', page.text)
        elsewhere = await reader.browser().http.get(path_of(way.replace("&amp;", "&")))
        assert (elsewhere.status_code, "Your answer has arrived" in elsewhere.text) == (200, True)
        assert landed(await followed(visitor, page))["success"] == "true"


async def followed_to_question(visitor: Browser, response: httpx.Response) -> httpx.Response:
    """The page once the service asks for a visit; it refreshes itself meanwhile, as it does before."""
    async with asyncio.timeout(40):
        while "Go to its own page" not in response.text:
            address = response.headers["location"] if response.status_code == 303 else response.url
            response = await visitor.http.get(address)
            await asyncio.sleep(0.02)
    return response


class TestAServiceWithoutAForm:
    """Of the two ways, the bank has only the one by its own page."""

    @pytest.fixture
    def runtime(self, runtime: Runtime) -> Runtime:
        """The same, knowing the bank so."""
        return replace(runtime, registry=Registry([by_page_only(each) for each in runtime.registry.manifests]))

    async def test_it_is_offered(self, runtime: Runtime) -> None:
        assert catalogue_groups.is_offered(runtime.registry.provider(87), Scope())

    async def test_it_is_linked_on_its_page(self, runtime: Runtime, reader: Consumer) -> None:
        async with working(runtime):
            visitor, _, _ = await begun(reader, 87)
            assert "way=form" not in visitor.page.text
            visitor.page = await visitor.http.get(f"{visitor.page.url}&way=form")
            assert "field_" not in visitor.page.text
            end = await come_home(visitor, await at_the_bank(visitor, await visitor.press(decision="visit"), "allow"))
        assert landed(end)["success"] == "true"

    async def test_nothing_can_be_typed_for_it(self, runtime: Runtime, reader: Consumer) -> None:
        visitor, _, _ = await begun(reader, 87)
        page = await followed(visitor, await visitor.press(decision="link", field_login="dev", field_password="dev"))
        assert "Go to its own page" in page.text
        assert await connections_of(runtime) == []


def by_page_only(manifest: Manifest) -> Manifest:
    """The manifest, with provider 87 reached by its page only."""
    providers = (
        replace(each, channels=tuple(way for way in each.channels if way.auth is Auth.REDIRECT))
        if each.id == 87
        else each
        for each in manifest.providers
    )
    return replace(manifest, providers=tuple(providers))
