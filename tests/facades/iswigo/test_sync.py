"""Synchronisation over the wire: its states, its steps, its failures (contract: sections 6.4, 7.2, 11.1 and 14)."""

import asyncio
from dataclasses import replace
from typing import Any
from uuid import UUID

import httpx
import pytest

from afflux.app import create_app
from afflux.domain.errors import SyncErrorCode
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import SyncKind
from afflux.facades.iswigo.wire.states import FAILURES
from afflux.runtime import Runtime
from afflux.services import suspension, syncs
from afflux.store import connections as store
from tests.facades.iswigo.acting import tenant_of
from tests.facades.iswigo.calling import Client
from tests.facades.iswigo.conftest import make_client
from tests.facades.iswigo.test_connections import TEST_BANK, connect
from tests.jobs.acting import advance, working

PENDING = {"status": "pending", "step": None, "progression": None}


def about(connection: str, last: Any = None, **state: Any) -> dict[str, Any]:
    """A status, whole."""
    whole = {"status": "finished", "step": None, "progression": None} | state
    return {"connection_id": connection, "last_synchronized_time": last} | whole


async def step(client: Client, connection: str, **answers: Any) -> Any:
    return await client.post(f"/v1/connections/{connection}/step", answers)


async def test_the_test_bank_asks_for_a_code_once(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, **TEST_BANK)
    assert await hector.get(f"/v1/connections/{connection}/status") == about(connection, **PENDING)
    async with working(runtime):
        assert await hector.status(connection) == about(connection, status="waiting user", step="sms")
        assert (await hector.get(f"/v1/connections/{connection}"))["automatic_synchronization"] is False
        assert await step(hector, connection, sms="1234") == about(connection, **PENDING)
        finished = await hector.status(connection)
        last = finished["last_synchronized_time"]
        assert finished == about(connection, last)
        held = await hector.get(f"/v1/connections/{connection}")
        assert (held["last_synchronized_time"], held["nb_errors"]) == (last, 0)
        assert await hector.post(f"/v1/connections/{connection}/sync") == about(connection, last, **PENDING)
        assert (await hector.status(connection))["status"] == "finished"
        await advance(runtime, 91)
        await hector.post(f"/v1/connections/{connection}/sync")
        assert (await hector.status(connection))["status"] == "waiting user"


async def test_a_wrong_code_is_taken_and_fails_later(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, **TEST_BANK)
    async with working(runtime):
        await hector.status(connection, "waiting user")
        assert await step(hector, connection, sms="9999") == about(connection, **PENDING)
        assert await hector.status(connection) == about(connection, status="error", errno=200)
        assert (await hector.get(f"/v1/connections/{connection}"))["nb_errors"] == 1
        await hector.post(f"/v1/connections/{connection}/sync")
        await hector.status(connection, "waiting user")
        await step(hector, connection, sms="0")
        assert (await hector.status(connection))["errno"] == 200


async def test_a_wrong_password_at_the_test_bank_is_refused(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, **TEST_BANK | {"password": "654321"})
    async with working(runtime):
        assert await hector.status(connection) == about(connection, status="error", errno=2)


async def test_a_step_needs_its_moment_and_its_member(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, **TEST_BANK)
    target = f"/v1/connections/{connection}/step"
    await hector.refused(400, "Step not available", "POST", target, {"sms": "1234"})
    async with working(runtime):
        await hector.status(connection, "waiting user")
        for body in ({}, {"code": "1234"}, {"sms": None}, {"sms": ""}, {"sms": 1234}, {"sms": ["1234"]}):
            await hector.refused(400, "Invalid parameter sms", "POST", target, body)
        assert (await hector.status(connection))["status"] == "waiting user"
        await step(hector, connection, sms="1234")
        await hector.status(connection, "finished")
    await hector.refused(400, "Step not available", "POST", target, {"sms": "1234"})


async def test_a_step_that_nobody_answers_ends_the_sync(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="fast+quiet+sms+expires-1")
    async with working(runtime):
        await hector.status(connection, "waiting user")
        assert await hector.status(connection, "error") == about(connection, status="error", errno=200)


@pytest.mark.parametrize(("login", "name", "answer"), [("choice", "choice", "email"), ("confirm", "confirm", "yes")])
async def test_a_step_asks_for_what_the_providers_form_says(
    hector: Client, runtime: Runtime, login: str, name: str, answer: str
) -> None:
    connection = await connect(hector, login=f"fast+quiet+{login}")
    form = (await hector.get("/v1/providers/1000"))["inputs"][name]["inputs"]
    async with working(runtime):
        assert (await hector.status(connection))["step"] == name
        assert [each["varname"] for each in form] == [name]
        await hector.refused(400, f"Invalid parameter {name}", "POST", f"/v1/connections/{connection}/step", {})
        await step(hector, connection, **{name: answer})
        assert (await hector.status(connection))["status"] == "finished"


async def test_an_approval_elsewhere_is_waited_for_until_it_is_there(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="slow-1+empty+app-2")
    seen = []
    async with working(runtime):
        await hector.status(connection, "waiting user")
        while "finished" not in seen:
            now = await hector.get(f"/v1/connections/{connection}/status")
            assert now["step"] == ("app" if now["status"] == "waiting user" else None)
            seen += [now["status"]] * (now["status"] not in seen[-1:])
            await asyncio.sleep(0.02)
    assert seen == ["waiting user", "in progress", "finished"]


async def test_saying_that_it_was_approved_is_right_at_any_moment(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="slow-1+app-never")
    async with working(runtime):
        await hector.status(connection, "waiting user")
        while not await is_looked_at(runtime):
            await asyncio.sleep(0.02)
        assert await step(hector, connection) == about(connection, status="waiting user", step="app")
        while await is_looked_at(runtime):
            await asyncio.sleep(0.02)
        assert await step(hector, connection) == about(connection, **PENDING)


async def is_looked_at(runtime: Runtime) -> bool:
    """Whether a run of the only sync is looking for an approval."""
    async with runtime.database.reading() as tx:
        return bool(await tx.value("SELECT status = 'running' FROM syncs"))


async def test_a_second_request_joins_the_running_sync(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="slow-1")
    async with working(runtime):
        await hector.status(connection, "in progress")
        joined = await hector.post(f"/v1/connections/{connection}/sync")
        assert joined["status"] == "in progress"
        assert joined["progression"] in (None, *range(101))
        await hector.delete(f"/v1/connections/{connection}")
        waiting = await connect(hector, login="fast+quiet+sms")
        await hector.status(waiting, "waiting user")
        assert await hector.post(f"/v1/connections/{waiting}/sync") == about(waiting, status="waiting user", step="sms")


async def test_a_refusal_freezes_the_connection(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, provider=1005, login="9876543210")
    async with working(runtime):
        assert await hector.status(connection) == about(connection, status="error", errno=2)
        held = await hector.get(f"/v1/connections/{connection}")
        assert (held["login"], held["nb_errors"], held["last_synchronized_time"]) == ("987####210", 1, None)
        assert held["last_error_time"] is not None
        assert held["automatic_synchronization"] is True
        assert (await hector.post(f"/v1/connections/{connection}/sync"))["status"] == "pending"
        assert (await hector.status(connection))["errno"] == 2
    assert await visits(runtime) == 1


async def visits(runtime: Runtime) -> int:
    """How many runs got as far as the bank's door."""
    async with runtime.database.reading() as tx:
        return int(await tx.value("SELECT count(DISTINCT sync_id) FROM events WHERE type = 'sync.progressed'"))


async def test_the_portal_brings_documents(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, provider=1006, login="hector@mail.com")
    async with working(runtime):
        assert (await hector.status(connection))["status"] == "finished"
    assert len(await hector.get("/v1/documents")) == 2


async def test_all_connections_are_synchronised_at_once(hector: Client, ida: Client, runtime: Runtime) -> None:
    ready = await connect(hector)
    asking = await connect(hector, login="fast+quiet+sms")
    hers = await connect(ida, login="fast+quiet+sms")
    async with working(runtime):
        last = (await hector.status(ready, "finished"))["last_synchronized_time"]
        await hector.status(asking, "waiting user")
        await ida.status(hers, "waiting user")
        assert await hector.post("/v1/connections/sync") == [
            about(ready, last, **PENDING),
            about(asking, status="waiting user", step="sms"),
        ]
        await hector.status(ready, "finished")
    assert (await ida.get(f"/v1/connections/{hers}/status"))["status"] == "waiting user"


async def test_nothing_is_synchronised_for_a_user_whom_another_dialect_suspended(
    hector: Client, runtime: Runtime
) -> None:
    connection, tenant = await connect(hector), await tenant_of(runtime, hector)
    async with runtime.database.transaction() as tx:
        await suspension.suspend(tx, tenant.principal, tenant.user)
    for path, body in ((f"/{connection}/sync", None), ("/sync", None), ("", TEST_BANK)):
        await hector.refused(400, "the user is suspended", "POST", f"/v1/connections{path}", body)
    assert len(await hector.get("/v1/connections")) == 1


async def test_nobody_without_connections_synchronises_any(hector: Client) -> None:
    response = await hector.send("POST", "/v1/connections/sync")
    assert (response.status_code, response.json()) == (200, [])
    assert "Content-Range" not in response.headers
    assert (await hector.send("GET", "/v1/connections/sync")).status_code == 405


@pytest.mark.parametrize(
    ("login", "status", "errno"),
    [
        ("locked", "error", 201),
        ("password-expired", "error", 201),
        ("action-required", "error", 202),
        ("consent-required", "error", 205),
        ("unsupported", "error", 304),
        ("changed", "error", 300),
        ("crash", "error", 400),
    ],
)
async def test_each_failure_has_its_number(
    hector: Client, runtime: Runtime, login: str, status: str, errno: int
) -> None:
    connection = await connect(hector, login=f"fast+quiet+{login}")
    async with working(runtime):
        assert await hector.status(connection) == about(connection, status=status, errno=errno)


@pytest.mark.parametrize(
    ("login", "status"), [("maintenance", "maintenance"), ("down", "unavailable"), ("network-9", "error")]
)
async def test_a_provider_that_is_away_is_tried_again_before_it_counts(
    hector: Client, runtime: Runtime, login: str, status: str
) -> None:
    connection = await connect(hector, login=f"fast+quiet+{login}")
    await retried(runtime, 4)
    async with working(runtime):
        while await retries(runtime) == 4:
            await asyncio.sleep(0.02)
        assert await hector.get(f"/v1/connections/{connection}/status") == about(connection, **PENDING)
    other = await connect(hector, login=f"fast+quiet+{login}")
    await retried(runtime, 5)
    async with working(runtime):
        errno = {"errno": 300} if status == "error" else {}
        assert await hector.status(other) == about(other, status=status, **errno)
    assert (await hector.get(f"/v1/connections/{other}"))["nb_errors"] == 1


async def retried(runtime: Runtime, times: int) -> None:
    """Make out that the pending syncs have failed this often."""
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE syncs SET retries = $1 WHERE attempt = 0", times)


async def retries(runtime: Runtime) -> int:
    async with runtime.database.reading() as tx:
        return int(await tx.value("SELECT retries FROM syncs"))


async def test_a_run_without_the_user_is_in_the_background(runtime: Runtime) -> None:
    client = await other_settings(runtime, iswigo_sync_on_create=False)
    id = await connect(client, login="slow-1")
    async with runtime.database.transaction() as tx:
        owner = await tx.row("SELECT application_id, user_id FROM connections")
        assert owner is not None
        connection = await store.by_id(tx, owner["application_id"], owner["user_id"], UUID(id))
        principal = Principal(connection.application_id, Role.SYSTEM)
        await syncs.request(tx, principal, connection, SyncKind.ALL, interactive=False)
    async with working(runtime):
        now = await client.status(id, "in background progress", "finished")
        assert now["status"] == "in background progress"
        await client.delete(f"/v1/connections/{id}")


def test_no_failure_is_without_a_number() -> None:
    assert set(FAILURES) == set(SyncErrorCode)


async def other_settings(runtime: Runtime, **settings: Any) -> Client:
    """A client of a server that is set up otherwise."""
    runtime = replace(runtime, settings=replace(runtime.settings, **settings))
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    http = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")
    return await (await make_client(runtime, http, "other")).joined_by()


async def test_an_operator_can_leave_the_first_sync_to_the_application(runtime: Runtime) -> None:
    client = await other_settings(runtime, iswigo_sync_on_create=False)
    connection = await connect(client)
    assert await client.get(f"/v1/connections/{connection}/status") == about(connection)
    await client.put(f"/v1/connections/{connection}", {"password": "secret"})
    assert await client.get(f"/v1/connections/{connection}/status") == about(connection)


async def test_the_newer_codes_come_with_every_status_where_they_are_wanted(runtime: Runtime) -> None:
    client = await other_settings(runtime, iswigo_status_codes=True)
    connection = await connect(client, password="wrong")
    fine = {"status_code": 100, "status_reason": "OK"}
    assert await client.get(f"/v1/connections/{connection}/status") == about(connection, **PENDING, **fine)
    async with working(runtime):
        ended = await client.status(connection)
    assert ended == about(connection, status="error", status_code=201, status_reason="Bad Credentials", errno=2)
    keys = ["connection_id", "last_synchronized_time", "status", "step", "progression", "status_code", "status_reason"]
    assert list(ended) == [*keys, "errno"]


async def test_nothing_is_synchronised_for_a_suspended_user_and_all_is_shown(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="fast")
    async with working(runtime):
        await hector.status(connection)
    accounts = await hector.get("/v1/bank/accounts")
    known = await tenant_of(runtime, hector)
    async with runtime.database.transaction() as tx:
        await suspension.suspend(tx, known.principal, known.user)
    another = {"provider": 1000, "login": "fast", "password": "123456"}
    for path, body in ((f"/v1/connections/{connection}/sync", None), ("/v1/connections", another)):
        await hector.refused(400, "the user is suspended", "POST", path, body)
    again = await hector.as_user()
    assert [each["connection_id"] for each in await again.get("/v1/connections")] == [connection]
    assert await again.get("/v1/bank/accounts") == accounts != []
    async with runtime.database.transaction() as tx:
        await suspension.resume(tx, known.principal, known.user)
    assert (await hector.post(f"/v1/connections/{connection}/sync"))["status"] == "pending"
