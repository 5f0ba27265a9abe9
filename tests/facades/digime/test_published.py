"""A library's whole life through a consumer of published parts, over a socket (contract: section 6.6)."""

import asyncio
import json
from datetime import timedelta
from typing import Any

from afflux.domain.contracts import ContractKind
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import CALLBACK, landed
from tests.facades.digime.published import Published, at_home, make_published
from tests.facades.digime.test_linking import followed
from tests.facades.digime.test_oauth import age
from tests.facades.digime.test_sessions import names

DESCRIPTOR = {"mimeType": "text/plain", "accounts": [{"accountId": "a-1"}], "reference": ["r"], "tags": ["t"]}


async def ended(consumer: Published, session: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(40):
        while (found := await consumer.list(session))["status"]["state"] in ("pending", "running"):
            await asyncio.sleep(0.05)
    return found


async def test_a_library_is_linked_read_written_and_deleted(runtime: Runtime, alice: Tenant) -> None:
    async with at_home(runtime) as http:
        reader = await make_published(runtime, http, alice)
        await _linked_and_read(reader)
        await _read_later(runtime, reader)
        raw = await _written_and_read_raw(runtime, alice, reader)
        await _deleted(reader, raw)


async def _linked_and_read(reader: Published) -> None:
    verifier, code, session = await reader.authorize()
    assert await reader.list(session) == {"status": {"state": "pending"}}
    browser = reader.browser()
    await browser.open("authorize", code, service="1000")
    await followed(browser, await browser.press(decision="new"))
    end = await followed(browser, await browser.press(decision="link", field_login="fast", field_password="123456"))
    await reader.exchange(verifier, landed(end)["code"])
    found = await ended(reader, session)
    assert found["status"]["state"] == "completed"
    for name in names(found):
        data, said = await reader.read(session, name)
        if "objectCount" in said["metadata"]:
            assert len(json.loads(data)) == said["metadata"]["objectCount"] > 0


async def _read_later(runtime: Runtime, reader: Published) -> None:
    await age(runtime, "grants", "access_expires_at", timedelta(days=2))
    over = reader.access_token
    session = await reader.session()
    assert reader.access_token != over
    found = await ended(reader, session)
    accounts, said = await reader.read(session, "accounts.json")
    assert "metadata" not in said
    assert [each["id"] for each in json.loads(accounts)["accounts"]] == list(found["status"]["details"])
    response = await reader.post("oauth/token/reference", access_token=reader.access_token)
    browser = reader.browser()
    await browser.open("onboard", (await reader.payload(response))["reference_code"])
    assert (await browser.press(decision="allow")).headers["location"] == CALLBACK + "&success=true"


async def _written_and_read_raw(runtime: Runtime, alice: Tenant, reader: Published) -> Published:
    writer = await make_published(runtime, reader.http, alice, ContractKind.WRITE)
    raw = await make_published(runtime, reader.http, alice, ContractKind.READ_RAW)
    brought, _ = await writer.let_in("allow", access_token=reader.access_token)
    await age(runtime, "grants", "access_expires_at", timedelta(days=2))
    assert (await writer.push(brought, b"thank you", DESCRIPTOR))["status"] == "pending"
    await writer.refresh()
    assert (await writer.push(brought, b"thank you", DESCRIPTOR))["status"] == "delivered"
    await raw.let_in("allow", access_token=writer.access_token)
    session = await raw.session()
    (name,) = names(await ended(raw, session))
    content, said = await raw.read(session, name)
    assert content == b"thank you"
    lowered = {"mimetype": "text/plain", "accounts": [{"accountid": "a-1"}], "reference": ["r"], "tags": ["t"]}
    assert lowered.items() <= said["metadata"].items()
    return raw


async def _deleted(reader: Published, raw: Published) -> None:
    await reader.session()
    response = await reader.send("DELETE", "user", reader.signed(access_token=reader.access_token))
    assert response.is_success
    for consumer in (reader, raw):
        refresh_token = consumer.tokens["refresh_token"]["value"]
        refused = await consumer.post("oauth/token", grant_type="refresh_token", refresh_token=refresh_token)
        assert (refused.status_code, refused.json()["error"]["code"]) == (401, "InvalidToken")
