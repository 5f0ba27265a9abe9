"""Linking on the consent pages: the service's form, its questions, its progress, and how it ends."""

import asyncio

import httpx

from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import CALLBACK, Browser, Consumer, landed
from tests.facades.digime.conftest import make_consumer
from tests.facades.digime.test_sessions import ended, names
from tests.jobs.acting import working


async def followed(browser: Browser, response: httpx.Response) -> httpx.Response:
    """What the browser shows in the end: redirects on our pages and refreshing pages are followed."""
    async with asyncio.timeout(40):
        while True:
            if response.status_code == 303:
                if not response.headers["location"].startswith("/apps/"):
                    return response
                response = await browser.http.get(response.headers["location"])
            elif 'http-equiv="refresh"' in response.text:
                await asyncio.sleep(0.05)
                response = await browser.http.get(response.url)
            else:
                browser.page = response
                return response


async def begun(reader: Consumer, service: int) -> tuple[Browser, str, dict[str, str]]:
    """A new person who consented and is to link a service; browser, verifier and session."""
    authorization = await reader.authorize()
    browser = reader.browser()
    await browser.open("authorize", authorization.code, service=str(service))
    await followed(browser, await browser.press(decision="new"))
    return browser, authorization.verifier, authorization.session


async def test_a_service_is_linked_with_its_form_and_its_question(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        browser, verifier, session = await begun(reader, 1000)
        assert 'name="field_login"' in browser.page.text
        page = await followed(browser, await browser.press(decision="link", field_login="sms", field_password="123456"))
        assert 'name="field_' in page.text, page.text
        name = page.text.partition('name="field_')[2].partition('"')[0]
        end = await followed(browser, await browser.press(decision="answer", **{f"field_{name}": "1234"}))
        assert landed(end)["success"] == "true"
        await reader.take(await reader.exchange(verifier, landed(end)["code"]))
        found = await ended(reader, session)
    assert any(name.startswith("3_1000_201") for name in names(found))


async def test_a_wrong_password_can_be_typed_again(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        browser, _, _ = await begun(reader, 1000)
        page = await followed(browser, await browser.press(decision="link", field_login="fast", field_password="wrong"))
        assert "refused" in page.text
        end = await followed(browser, await browser.press(decision="link", field_login="fast", field_password="123456"))
    assert landed(end)["success"] == "true"


async def test_giving_up_after_a_refusal_is_an_error_of_the_service(runtime: Runtime, reader: Consumer) -> None:
    async with working(runtime):
        browser, _, _ = await begun(reader, 1000)
        await followed(browser, await browser.press(decision="link", field_login="fast", field_password="wrong"))
        end = await browser.press(decision="cancel")
    assert end.headers["location"] == CALLBACK + "&success=false&errorCode=ONBOARD_ERROR"
    async with runtime.database.transaction() as tx:
        assert await tx.value("SELECT count(*) FROM connections") == 0


async def test_another_browser_gets_nowhere_with_the_link(reader: Consumer) -> None:
    browser, _, _ = await begun(reader, 1000)
    for path in ("link", "authorize"):
        response = await reader.browser().http.get(browser.page.url.copy_with(path=f"/apps/saas/{path}"))
        assert landed(response)["errorCode"] == "INVALID_CODE"


async def test_a_service_nobody_knows_is_refused(reader: Consumer) -> None:
    for service in ("424242", "x", "-1"):
        response = await reader.browser().open("authorize", (await reader.authorize()).code, service=service)
        assert landed(response)["errorCode"] == "INITIALIZE_CHECK_FAIL"


async def test_a_service_that_cannot_be_linked_is_not_begun_with(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant
) -> None:
    scope = {"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1000}, {"id": 1012}]}]}
    narrow = await make_consumer(runtime, http, alice, scope=scope)
    for service, error in (("1012", "ONBOARD_ERROR"), ("999", "ONBOARD_ERROR"), ("1000", None)):
        response = await narrow.browser().open("authorize", (await narrow.authorize()).code, service=service)
        assert landed(response)["errorCode"] == error if error else "link <bdi>Sandbox</bdi>" in response.text


async def test_a_reference_links_a_further_service(runtime: Runtime, reader: Consumer) -> None:
    await reader.let_in()
    response = await reader.post("/oauth/token/reference", access_token=reader.access_token)
    code = (await reader.opened(response))["reference_code"]
    browser = reader.browser()
    async with working(runtime):
        await browser.open("onboard", code, service="1000")
        await followed(browser, await browser.press(decision="allow"))
        end = await followed(browser, await browser.press(decision="link", field_login="fast", field_password="123456"))
        assert end.headers["location"] == CALLBACK + "&success=true"
        found = await ended(reader, response.json()["session"])
    assert found["status"]["state"] == "completed"
    assert names(found)


async def test_a_service_is_picked_where_none_was_named(reader: Consumer) -> None:
    browser = reader.browser()
    page = await browser.open("authorize", (await reader.authorize()).code)
    assert '<option value="1000">' in page.text
    page = await followed(browser, await browser.press(decision="new", service="1000"))
    assert 'name="field_login"' in page.text
