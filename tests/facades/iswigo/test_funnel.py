"""Funnel sessions over the wire."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from afflux.app import create_app
from afflux.runtime import Runtime, open_runtime
from tests.conftest import ROOT_KEY
from tests.facades.iswigo.acting import link
from tests.facades.iswigo.calling import Client
from tests.facades.iswigo.conftest import make_client

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"


async def held(runtime: Runtime) -> list[dict[str, Any]]:
    """What is kept of all sessions, oldest first."""
    async with runtime.database.reading() as tx:
        return [dict(row) for row in await tx.fetch("SELECT * FROM connect_sessions ORDER BY created_at")]


async def wish(runtime: Runtime) -> dict[str, Any]:
    """What the newest session is for, without what limits nothing."""
    state = (await held(runtime))[-1]["state"]
    return {name: value for name, value in state.items() if value not in (None, [])}


async def shown(client: Client, session: dict[str, Any]) -> int:
    """What a browser gets that follows the session's address."""
    return (await client.http.get(session["uri"])).status_code


async def test_a_session_has_an_address_that_a_browser_can_open(hector: Client) -> None:
    response = await hector.send("POST", "/v1/funnel", {"action": "create bank", "connections": []})
    session = response.json()
    assert response.status_code == 201
    assert list(session) == ["session_id", "uri"]
    assert re.fullmatch(UUID, session["session_id"])
    assert session["uri"] == f"http://127.0.0.1:8080/widget/?session={session['session_id']}"
    assert await shown(hector, session) == 200


async def test_the_id_of_a_session_cannot_be_read_from_the_database(hector: Client, runtime: Runtime) -> None:
    session = await hector.post("/v1/funnel", {"action": "sync"})
    assert session["session_id"] not in str(await held(runtime))


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"action": "create"}, {"action": "create"}),
        ({"action": "create bank"}, {"action": "create", "type": "bank"}),
        ({"action": "create", "type": "bank"}, {"action": "create", "type": "bank"}),
        ({"action": "create bank", "type": "bank"}, {"action": "create", "type": "bank"}),
        ({"action": "create document", "connections": None}, {"action": "create", "type": "document"}),
        ({"action": "create", "country": "fr"}, {"action": "create", "country": "FR"}),
        ({"action": "create", "provider": 999, "scope": 3}, {"action": "create", "provider": 999, "scope": 3}),
        ({"action": "status", "connections": []}, {"action": "status"}),
        ({"action": "status document"}, {"action": "status", "type": "document"}),
        ({"action": "sync bank"}, {"action": "sync", "type": "bank"}),
        ({"action": "suggestion"}, {"action": "suggestion"}),
        ({"action": "suggestion", "suggestion": "My Bank"}, {"action": "suggestion", "suggestion": "My Bank"}),
        ({"action": "sync", "colour": "blue", "type": None}, {"action": "sync"}),
    ],
)
async def test_both_spellings_come_to_the_same_wish(
    hector: Client, runtime: Runtime, body: dict[str, Any], kept: dict[str, Any]
) -> None:
    await hector.post("/v1/funnel", body)
    assert await wish(runtime) == kept


async def test_connections_are_named_once_and_in_order(hector: Client, runtime: Runtime) -> None:
    one, other = [str((await link(runtime, hector, provider)).id) for provider in (999, 1006)]
    await hector.post("/v1/funnel", {"action": "sync", "connections": [other, one, other]})
    assert await wish(runtime) == {"action": "sync", "connections": [other, one]}
    await hector.post("/v1/funnel", {"action": "edit", "connections": [one]})
    assert await wish(runtime) == {"action": "edit", "connections": [one]}


@pytest.mark.parametrize(
    ("body", "description"),
    [
        ({}, "Invalid action"),
        ({"action": "explode"}, "Invalid action"),
        ({"action": "Create"}, "Invalid action"),
        ({"action": "edit bank"}, "Invalid action"),
        ({"action": ["create"]}, "Invalid action"),
        ({"action": "edit"}, "Invalid connections"),
        ({"action": "edit", "connections": []}, "Invalid connections"),
        ({"action": "edit", "connections": [str(uuid4()), str(uuid4())]}, "Invalid connections"),
        ({"action": "sync", "connections": "all"}, "Invalid connections"),
        ({"action": "sync", "connections": ["all"]}, "Invalid connections"),
        ({"action": "create bank", "type": "document"}, "Invalid type"),
        ({"action": "create", "type": "shop"}, "Invalid type"),
        ({"action": "create", "country": "France"}, "Invalid country"),
        ({"action": "create", "country": "ÉÉ"}, "Invalid country"),
        ({"action": "create", "country": "FR\n"}, "Invalid country"),
        ({"action": "create", "scope": "wide"}, "Invalid scope"),
        ({"action": "create", "scope": "5"}, "Invalid scope"),
        ({"action": "create", "provider": "any"}, "Invalid provider"),
        ({"action": "create", "provider": "999"}, "Invalid provider"),
        ({"action": "create document", "provider": 999}, "Invalid provider"),
        ({"action": "create", "country": "DE", "provider": 999}, "Invalid provider"),
        ({"action": "sync", "provider": 999}, "Invalid provider"),
        ({"action": "create", "suggestion": "My Bank"}, "Invalid suggestion"),
        ({"action": "suggestion", "suggestion": "x" * 256}, "Invalid suggestion"),
    ],
)
async def test_what_is_wrong_is_named(hector: Client, runtime: Runtime, body: dict[str, Any], description: str) -> None:
    await hector.refused(400, description, "POST", "/v1/funnel", body)
    assert await held(runtime) == []


async def test_a_connection_outside_the_limits_cannot_be_edited(hector: Client, runtime: Runtime) -> None:
    connection = str((await link(runtime, hector, 999)).id)
    asked = {"action": "edit", "connections": [connection]}
    await hector.post("/v1/funnel", asked | {"country": "FR", "type": "bank"})
    for outside in ({"country": "DE"}, {"type": "document"}):
        await hector.refused(400, "Invalid connections", "POST", "/v1/funnel", asked | outside)


async def test_what_does_not_exist_is_not_found(hector: Client, ida: Client, runtime: Runtime) -> None:
    idas = str((await link(runtime, ida, 999)).id)
    for action in ("create", "edit", "status", "sync", "suggestion"):
        for connection in (idas, str(uuid4())):
            body = {"action": action, "connections": [connection]}
            await hector.refused(404, "Not Found", "POST", "/v1/funnel", body)
    await hector.refused(404, "Not Found", "POST", "/v1/funnel", {"action": "create", "provider": 4711})


async def test_an_application_that_is_not_psd2_compliant_has_the_funnel(kiosk: Client) -> None:
    user = await kiosk.joined_by()
    session = await user.post("/v1/funnel", {"action": "create bank"})
    await user.delete(f"/v1/funnel/{session['session_id']}")


async def test_several_sessions_stand_side_by_side_until_each_is_closed(hector: Client) -> None:
    first, second = [await hector.post("/v1/funnel", {"action": "sync"}) for _ in range(2)]
    await hector.delete(f"/v1/funnel/{first['session_id']}")
    assert [await shown(hector, session) for session in (first, second)] == [404, 200]
    await hector.refused(404, "Not Found", "DELETE", f"/v1/funnel/{first['session_id']}")
    await hector.delete(f"/v1/funnel/{second['session_id']}")


async def test_only_its_user_closes_a_session(
    hector: Client, ida: Client, runtime: Runtime, http: httpx.AsyncClient
) -> None:
    session = await hector.post("/v1/funnel", {"action": "sync"})
    stranger = await (await make_client(runtime, http, "bank")).joined_by()
    for other in (ida, stranger):
        await other.refused(404, "Not Found", "DELETE", f"/v1/funnel/{session['session_id']}")
    for id in (str(uuid4()), (await held(runtime))[0]["id"], "all"):
        await hector.refused(404, "Not Found", "DELETE", f"/v1/funnel/{id}")
    assert await shown(hector, session) == 200


async def test_a_session_is_open_for_an_hour(hector: Client, runtime: Runtime) -> None:
    session = await hector.post("/v1/funnel", {"action": "sync"})
    (kept,) = await held(runtime)
    assert kept["expires_at"] - kept["created_at"] == timedelta(hours=1)
    for seconds, status in ((3590, 200), (3601, 404)):
        async with later(runtime, seconds) as http:
            assert await shown(replace(hector, http=http), session) == status
    async with later(runtime, 3601) as http:
        awaken = await replace(hector, http=http, token=None).as_user()
        await awaken.refused(404, "Not Found", "DELETE", f"/v1/funnel/{session['session_id']}")


@asynccontextmanager
async def later(runtime: Runtime, seconds: int) -> AsyncIterator[httpx.AsyncClient]:
    """The same server after some time."""
    settings = replace(runtime.settings, clock_offset=seconds)
    async with open_runtime(settings, runtime.dsn, ROOT_KEY, runtime.registry) as moved:
        transport = httpx.ASGITransport(create_app(moved), raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
            yield client


async def test_a_deleted_user_has_no_session_left(hector: Client, runtime: Runtime) -> None:
    session = await hector.post("/v1/funnel", {"action": "sync"})
    await hector.delete(f"/v1/users/{(await held(runtime))[0]['user_id']}")
    assert await shown(hector, session) == 404
    assert await held(runtime) == []
