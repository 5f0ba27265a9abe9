"""Events over the wire: what the core's log says of each sync, in the contract's words."""

import asyncio
from datetime import timedelta
from itertools import groupby
from typing import Any
from uuid import uuid4

import httpx
import pytest

from afflux.domain.events import STATES_OF_A_SYNC, EventType, NewEvent
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.iswigo.acting import link, tenant_of
from tests.facades.iswigo.calling import Client
from tests.facades.iswigo.conftest import make_client
from tests.jobs.acting import synchronise, typed, working

#: What a core event is told as: status, step, progression, errno.
TOLD = [
    (EventType.SYNC_REQUESTED, {"kind": "all"}, ("pending", None, None, None)),
    (EventType.SYNC_STARTED, {"attempt": 1, "interactive": True}, ("in progress", None, None, None)),
    (EventType.SYNC_STARTED, {"attempt": 1}, ("in progress", None, None, None)),
    (EventType.SYNC_STARTED, {"attempt": 1, "interactive": False}, ("in background progress", None, None, None)),
    (EventType.SYNC_PROGRESSED, {"phase": "x", "percent": 35, "interactive": True}, ("in progress", None, 35, None)),
    (EventType.SYNC_PROGRESSED, {"percent": 0, "interactive": False}, ("in background progress", None, 0, None)),
    (EventType.SYNC_WAITING, {"channel_id": 1, "step": "sms"}, ("waiting user", "sms", None, None)),
    (EventType.SYNC_ANSWERED, {}, ("pending", None, None, None)),
    (EventType.SYNC_POSTPONED, {"error": "network", "seconds": 1.1}, ("pending", None, None, None)),
    (EventType.SYNC_FINISHED, {"partial": False}, ("finished", None, None, None)),
    (EventType.SYNC_CANCELLED, {}, ("cancelled", None, None, None)),
    (EventType.SYNC_FAILED, {"error": "credentials_invalid"}, ("error", None, None, "2")),
    (EventType.SYNC_FAILED, {"error": "challenge_expired"}, ("error", None, None, "200")),
    (EventType.SYNC_FAILED, {"error": "internal"}, ("error", None, None, "400")),
    (EventType.SYNC_FAILED, {"error": "provider_maintenance"}, ("maintenance", None, None, None)),
    (EventType.SYNC_FAILED, {"error": "provider_unavailable"}, ("unavailable", None, None, None)),
]


async def record(runtime: Runtime, tenant: Tenant, *types: EventType, data: dict[str, Any] | None = None) -> None:
    """Write facts about some connection into the log."""
    async with runtime.database.transaction() as tx:
        for type in types:
            tx.record(NewEvent(tenant.application.id, type, tenant.user.id, data or {}, uuid4(), uuid4()))


async def statuses(client: Client, connection_id: object) -> list[str]:
    """The statuses a connection went through, oldest first."""
    told = [event["data"] for event in await client.get("/v1/events?range=0-99")]
    return [data["status"] for data in reversed(told) if data["connection_id"] == str(connection_id)]


@pytest.mark.parametrize(("type", "data", "told"), TOLD)
async def test_each_state_of_a_sync_is_one_event(
    shop: Client, hector: Client, runtime: Runtime, type: EventType, data: dict[str, Any], told: tuple[Any, ...]
) -> None:
    tenant = await tenant_of(runtime, hector)
    await record(runtime, tenant, type, data=data)
    (event,) = await shop.get("/v1/events")
    status, step, progression, errno = told
    assert list(event) == ["event_id", "create_time", "type", "data"]
    assert event["type"] == "connection.status"
    assert list(event["data"].items())[1:] == [
        ("user_id", str(tenant.user.id)),
        ("status", status),
        ("step", step),
        ("progression", progression),
        *([("errno", errno)] if errno else []),
    ]


def test_every_state_is_told_above() -> None:
    assert {type for type, _, _ in TOLD} == set(STATES_OF_A_SYNC)


async def test_a_sync_with_a_step_is_told_from_beginning_to_end(shop: Client, hector: Client, runtime: Runtime) -> None:
    tenant, connection = await tenant_of(runtime, hector), await link(runtime, hector, 999)
    async with working(runtime):
        await synchronise(runtime, tenant, connection, typed(sms="1234"))
    told = [status for status, _ in groupby(await statuses(shop, connection.id))]
    assert told == ["pending", "in progress", "waiting user", "pending", "in progress", "finished"]


async def test_refused_credentials_are_an_error_with_a_number_as_text(
    shop: Client, hector: Client, runtime: Runtime
) -> None:
    tenant, connection = await tenant_of(runtime, hector), await link(runtime, hector, 1005, "9876543210")
    async with working(runtime):
        await synchronise(runtime, tenant, connection)
    newest = (await shop.get("/v1/events?range=0-0"))[0]["data"]
    assert (newest["status"], newest["errno"]) == ("error", "2")


async def test_a_sync_without_its_user_runs_in_the_background(shop: Client, hector: Client, runtime: Runtime) -> None:
    tenant, connection = await tenant_of(runtime, hector), await link(runtime, hector, 1006, "hector@mail.com")
    async with working(runtime):
        await synchronise(runtime, tenant, connection, interactive=False)
    told = await statuses(shop, connection.id)
    assert (told[0], told[-1]) == ("pending", "finished")
    assert set(told[1:-1]) == {"in background progress"}


async def test_newest_come_first_and_only_what_tells_of_a_sync(shop: Client, hector: Client, runtime: Runtime) -> None:
    tenant = await tenant_of(runtime, hector)
    others = sorted(set(EventType) - set(STATES_OF_A_SYNC))
    for type in (EventType.SYNC_REQUESTED, EventType.SYNC_STARTED, EventType.SYNC_FINISHED):
        await record(runtime, tenant, *others, type)
    await record(runtime, tenant, EventType.SYNC_REQUESTED, EventType.SYNC_CANCELLED)
    response = await shop.send("GET", "/v1/events")
    told = [event["data"]["status"] for event in response.json()]
    assert told == ["cancelled", "pending", "finished", "in progress", "pending"]
    assert response.headers["Content-Range"] == "0-4/5"


async def test_pages_are_complete_without_gap_or_repeat(shop: Client, hector: Client, runtime: Runtime) -> None:
    await record(runtime, await tenant_of(runtime, hector), *[EventType.SYNC_PROGRESSED] * 47)
    pages = [await shop.send("GET", f"/v1/events?range={first}-{first + 19}") for first in (0, 20, 40, 60)]
    assert [page.headers["Accept-Range"] for page in pages] == ["events 20", "events 20", "events 7", "events 0"]
    assert [page.headers["Content-Range"] for page in pages] == ["0-19/47", "20-39/47", "40-46/47", "*/47"]
    seen = [event["event_id"] for page in pages for event in page.json()]
    assert len(set(seen)) == len(seen) == 47
    assert [event["event_id"] for event in await shop.get("/v1/events?range=0-99")] == seen


async def test_an_event_is_read_as_it_is_listed(shop: Client, hector: Client, runtime: Runtime) -> None:
    await record(runtime, await tenant_of(runtime, hector), EventType.SYNC_REQUESTED)
    (event,) = await shop.get("/v1/events")
    assert await shop.get(f"/v1/events/{event['event_id']}") == event
    await shop.refused(404, "Not Found", "GET", f"/v1/events/{uuid4()}")


async def test_an_event_of_another_kind_is_not_there(shop: Client, hector: Client, runtime: Runtime) -> None:
    await record(runtime, await tenant_of(runtime, hector), EventType.SYNC_LISTED)
    async with runtime.database.reading() as tx:
        id = await tx.value("SELECT id FROM events WHERE type = 'sync.listed'")
    await shop.refused(404, "Not Found", "GET", f"/v1/events/{id}")


async def test_another_applications_events_are_not_there(
    shop: Client, hector: Client, runtime: Runtime, http: httpx.AsyncClient
) -> None:
    await record(runtime, await tenant_of(runtime, hector), EventType.SYNC_REQUESTED)
    (event,) = await shop.get("/v1/events")
    bank = await make_client(runtime, http, "bank")
    assert await bank.get("/v1/events") == []
    await bank.refused(404, "Not Found", "GET", f"/v1/events/{event['event_id']}")


async def test_what_is_too_old_is_not_listed(shop: Client, hector: Client, runtime: Runtime) -> None:
    await record(runtime, await tenant_of(runtime, hector), EventType.SYNC_REQUESTED, EventType.SYNC_FINISHED)
    newer, older = await shop.get("/v1/events")
    for days, listed in ((29, [newer, older]), (31, [newer])):
        async with runtime.database.transaction() as tx:
            await tx.execute(
                "UPDATE events SET created_at = $1 WHERE id = $2", tx.now - timedelta(days=days), older["event_id"]
            )
        response = await shop.send("GET", "/v1/events")
        assert [event["event_id"] for event in response.json()] == [event["event_id"] for event in listed]
        assert response.headers["Content-Range"].endswith(f"/{len(listed)}")
    await shop.refused(404, "Not Found", "GET", f"/v1/events/{older['event_id']}")


async def test_a_deleted_users_events_go_and_all_others_stay_in_order(
    shop: Client, hector: Client, ida: Client, runtime: Runtime
) -> None:
    hectors, idas = await tenant_of(runtime, hector), await tenant_of(runtime, ida)
    for type in STATES_OF_A_SYNC[:3]:
        await record(runtime, hectors, type)
        await record(runtime, idas, type)
    told = await shop.get("/v1/events")
    kept = [event for event in told if event["data"]["user_id"] == str(idas.user.id)]
    await hector.delete(f"/v1/users/{hectors.user.id}")
    response = await shop.send("GET", "/v1/events")
    assert response.json() == kept
    assert response.headers["Content-Range"] == "0-2/3"
    for event in told:
        assert (await shop.send("GET", f"/v1/events/{event['event_id']}")).is_success == (event in kept)


async def test_a_page_and_its_total_are_of_one_moment(shop: Client, hector: Client, runtime: Runtime) -> None:
    """While events come in, the oldest of all is where the total says that it is."""
    tenant = await tenant_of(runtime, hector)
    await record(runtime, tenant, EventType.SYNC_REQUESTED)
    (oldest,) = await shop.get("/v1/events")

    async def write() -> None:
        for _ in range(60):
            await record(runtime, tenant, EventType.SYNC_PROGRESSED)

    writing = asyncio.create_task(write())
    while not writing.done():
        response = await shop.send("GET", "/v1/events?range=0-99")
        assert response.json()[-1] == oldest
        assert response.headers["Content-Range"] == f"0-{len(response.json()) - 1}/{len(response.json())}"
    await writing
