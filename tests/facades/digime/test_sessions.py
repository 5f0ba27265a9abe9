"""Reading: a trigger, the session's way, the list, the files, what scope and time leave of them."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from afflux.domain.contracts import ContractKind
from afflux.domain.syncs import SyncKind
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import Consumer, letters
from tests.facades.digime.conftest import make_consumer
from tests.facades.digime.opening import metadata_of, opened
from tests.facades.digime.test_oauth import CAROL, age, join
from tests.jobs.acting import advance, link, request, working
from tests.services.shelves import account, document, movement, shelf_for


async def list_of(consumer: Consumer, session: dict[str, Any]) -> dict[str, Any]:
    """The list, as strictly as clients read it."""
    response = await consumer.send("GET", f"/permission-access/query/{session['key']}")
    assert response.status_code == 200, response.text
    value: dict[str, Any] = response.json()
    assert value["status"]["state"] in {"pending", "running", "completed", "partial"}
    for each in value["status"].get("details", {}).values():
        assert each["state"] in {"running", "completed", "partial"}
    for file in value.get("fileList", []):
        assert type(file["updatedDate"]) is int
    return value


async def ended(consumer: Consumer, session: dict[str, Any]) -> dict[str, Any]:
    """The list, once nothing will be added any more."""
    async with asyncio.timeout(40):
        while (found := await list_of(consumer, session))["status"]["state"] in ("pending", "running"):
            await asyncio.sleep(0.05)
    return found


async def read(consumer: Consumer, session: dict[str, Any], name: str) -> httpx.Response:
    path = f"/permission-access/query/{session['key']}/{name}"
    return await consumer.send("GET", path, headers={"accept": "application/octet-stream"})


def names(found: dict[str, Any]) -> list[str]:
    return [each["name"] for each in found["fileList"]]


async def alices(runtime: Runtime, consumer: Consumer, alice: Tenant, **more: Any) -> dict[str, Any]:
    """Alice signs in at the consent page; the session."""
    async with runtime.database.transaction() as tx:
        await tx.execute(
            "UPDATE users SET password_hash = (SELECT password_hash FROM users WHERE email = $1) WHERE id = $2",
            CAROL[0],
            alice.user.id,
        )
    return await consumer.let_in("alice@example.org", CAROL[1], **more)


@pytest.fixture
async def known(runtime: Runtime, alice: Tenant) -> Tenant:
    """Alice, whose password is Carol's."""
    await join(runtime, alice, *CAROL)
    return alice


async def test_consent_lets_the_first_session_read_what_other_facades_linked(
    runtime: Runtime, known: Tenant, reader: Consumer
) -> None:
    await link(runtime, known, "fast")
    session = await alices(runtime, reader, known)
    assert (await list_of(reader, session))["status"]["state"] == "running"
    async with working(runtime):
        found = await ended(reader, session)
    assert found["status"]["state"] == "completed"
    assert list(found["status"]["details"].values()) == [{"state": "completed"}]
    mapped = [each for each in found["fileList"] if each["name"].startswith("3_1000_201_D")]
    assert mapped
    for each in mapped:
        assert each["objectVersion"] == "1.0.0"
        response = await read(reader, session, each["name"])
        objects = json.loads(opened(reader, response))
        said = metadata_of(response)["metadata"]
        assert said["objectCount"] == len(objects) > 0
        assert (said["objectType"], said["serviceGroup"]) == ("transaction", "finance")
        assert {"id", "entityid", "accountentityid", "createddate"} <= objects[0].keys()


async def test_a_trigger_synchronises_and_joins_what_runs(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    connection = await link(runtime, known, "fast")
    await alices(runtime, reader, known)
    sync = await request(runtime, known, connection, SyncKind.ALL)
    sessions = [await reader.trigger() for _ in range(3)]
    assert len({each["key"] for each in sessions}) == 3
    async with runtime.database.transaction() as tx:
        assert {row["sync_id"] for row in await tx.fetch("SELECT sync_id FROM session_syncs")} == {sync.id}
    async with working(runtime):
        for each in sessions:
            assert (await ended(reader, each))["status"]["state"] == "completed"


async def test_a_library_without_anything_is_complete_at_once(reader: Consumer) -> None:
    session = await reader.let_in()
    assert await list_of(reader, session) == {"status": {"state": "completed", "details": {}}, "fileList": []}
    again = await reader.trigger({})
    assert (await list_of(reader, again))["status"]["state"] == "completed"


async def test_a_source_that_refuses_makes_the_session_partial(
    runtime: Runtime, known: Tenant, reader: Consumer
) -> None:
    await link(runtime, known, "fast")
    await link(runtime, known, "wrong-password")
    session = await alices(runtime, reader, known)
    async with working(runtime):
        found = await ended(reader, session)
    states = sorted(each["state"] for each in found["status"]["details"].values())
    assert (found["status"]["state"], states) == ("partial", ["completed", "partial"])
    (error,) = [each["error"] for each in found["status"]["details"].values() if "error" in each]
    assert set(error) == {"code", "status", "statusCode", "statuscode", "message"}
    assert (error["code"], error["statusCode"]) == ("ServiceAuthorizationError", 511)


async def test_a_session_waits_no_longer_than_it_was_told_to(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    await link(runtime, known, "fast")
    await alices(runtime, reader, known)
    session = await reader.trigger({"limits": {"duration": {"sourceFetch": 10}}})
    assert (await list_of(reader, session))["status"]["state"] == "running"
    await age(runtime, "library_sessions", "triggered_at", timedelta(seconds=10))
    found = await list_of(reader, session)
    assert found["status"]["state"] == "partial"
    async with working(runtime):
        await ended(reader, await reader.trigger())
    # The sync went on for others; to this session nothing is added.
    assert await list_of(reader, session) == found


async def test_the_session_key_that_a_trigger_names_is_used_again(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, reader: Consumer
) -> None:
    first = await reader.let_in()
    again = await reader.trigger(session_key=first["key"])
    assert again["key"] == first["key"]
    other = await make_consumer(runtime, http, alice)
    theirs = await other.let_in(access_token=reader.access_token)
    for key in (letters(), theirs["key"]):
        claims = {"access_token": reader.access_token, "session_key": key}
        await reader.refused(400, "SessionInvalid", await reader.post("/permission-access/trigger", **claims))


async def test_a_write_contract_reads_nothing(runtime: Runtime, http: httpx.AsyncClient, alice: Tenant) -> None:
    writer = await make_consumer(runtime, http, alice, ContractKind.WRITE)
    session = await writer.let_in()
    response = await writer.post("/permission-access/trigger", access_token=writer.access_token)
    await writer.refused(400, "InvalidContractDataRequest", response)
    response = await writer.send("GET", f"/permission-access/query/{session['key']}")
    await writer.refused(400, "InvalidContractDataRequest", response)


async def test_a_contract_for_once_is_not_triggered(runtime: Runtime, http: httpx.AsyncClient, alice: Tenant) -> None:
    once = await make_consumer(runtime, http, alice, scope={"once": True})
    assert (await list_of(once, await once.let_in()))["status"]["state"] == "completed"
    response = await once.post("/permission-access/trigger", access_token=once.access_token)
    await once.refused(403, "InsufficientScope", response)


async def test_sessions_are_not_guessed_and_do_not_stay(runtime: Runtime, reader: Consumer) -> None:
    for key, status, code in ((letters(), 401, "SessionInvalid"), ("short", 400, "ValidationErrors")):
        for name in ("", "/accounts.json"):
            await reader.refused(status, code, await reader.send("GET", f"/permission-access/query/{key}{name}"))
    session = await reader.let_in()
    await age(runtime, "library_sessions", "expires_at", timedelta(minutes=15))
    response = await reader.send("GET", f"/permission-access/query/{session['key']}")
    await reader.refused(401, "SessionInvalid", response)


async def test_a_session_that_runs_does_not_die(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    await link(runtime, known, "fast")
    session = await alices(runtime, reader, known)
    await age(runtime, "library_sessions", "expires_at", timedelta(minutes=20))
    assert (await list_of(reader, session))["status"]["state"] == "running"
    async with working(runtime):
        assert (await ended(reader, session))["status"]["state"] == "completed"


async def test_a_file_is_another_one_only_when_its_content_is(
    runtime: Runtime, known: Tenant, reader: Consumer
) -> None:
    shelf = await shelf_for(runtime, known)
    current = await shelf.account(account())
    await shelf.movements(current, [movement(1), movement(2)])
    await alices(runtime, reader, known)
    before = await list_of(reader, await reader.trigger())
    assert dates(before) == dates(await list_of(reader, await reader.trigger()))
    await shelf.movements(current, [movement(3)])
    after = await list_of(reader, await reader.trigger())
    moved = {name for name, at in dates(after).items() if at > dates(before)[name]}
    assert moved == {"3_1000_201_D202606_1.json"}
    async with runtime.database.transaction() as tx:
        await tx.execute("DELETE FROM transactions WHERE text = 'CARTE 1'")
    fewer = await list_of(reader, await reader.trigger())
    assert dates(fewer)["3_1000_201_D202606_1.json"] > dates(after)["3_1000_201_D202606_1.json"]


def dates(found: dict[str, Any]) -> dict[str, int]:
    return {each["name"]: each["updatedDate"] for each in found["fileList"]}


async def test_documents_are_raw_files_with_their_bytes(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    shelf = await shelf_for(runtime, known)
    await shelf.documents([document("a", content=b"%PDF one"), document("b", content=b"")])
    session = await alices(runtime, reader, known, body={"actions": {"pull": {"accept": {"compression": "gzip"}}}})
    found = await list_of(reader, session)
    raw = [name for name in names(found) if name.startswith("101_1000_10101_D202606_")]
    contents = []
    for name in raw:
        response = await read(reader, session, name)
        said = metadata_of(response)
        assert said["compression"] == "gzip"
        assert said["metadata"]["mimetype"] == "application/pdf"
        assert set(said["metadata"]["accounts"][0]) == {"accountid"}
        contents.append(opened(reader, response))
    assert sorted(contents) == [b"", b"%PDF one"]


async def test_no_two_readings_of_a_file_look_alike(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    shelf = await shelf_for(runtime, known)
    await shelf.documents([document()])
    session = await alices(runtime, reader, known)
    (name,) = names(await list_of(reader, session))
    first, second = [(await read(reader, session, name)).content for _ in range(2)]
    assert first[:272] != second[:272]
    assert first[-16:] != second[-16:]


async def test_a_scope_narrows_by_service_and_by_time(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    shelf = await shelf_for(runtime, known)
    current = await shelf.account(account())
    old, new = movement(1), movement(2)
    await shelf.movements(current, [old, movement(3, day=old.booking_date - timedelta(days=90)), new])  # type: ignore[operator]
    await shelf.documents([document()])
    await alices(runtime, reader, known)
    june = {"from": 1780272000, "to": 1782864000}

    async def left(scope: dict[str, Any]) -> list[str]:
        return [name[:-5] for name in names(await list_of(reader, await reader.trigger({"scope": scope})))]

    assert len(await left({})) == 4
    assert await left({"serviceGroups": [{"id": 3}], "timeRanges": [june]}) == ["3_1000_201_D202606_1"]
    types = [{"id": 1000, "serviceObjectTypes": [{"id": 202}]}]
    assert [name[:10] for name in await left({"serviceGroups": [{"id": 3, "serviceTypes": types}]})] == ["3_1000_202"]
    assert await left({"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1001}]}]}) == []
    raw = {"serviceGroups": [{"id": 101}]}
    assert len(await left({**raw, "criteria": [{"metadata": {"mimeType": ["application/pdf"]}}]})) == 1
    assert await left({**raw, "criteria": [{"metadata": {"mimeType": ["image/png"]}}]}) == []


async def test_accounts_are_a_file_beside_the_list(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    await shelf_for(runtime, known)
    session = await alices(runtime, reader, known)
    response = await read(reader, session, "accounts.json")
    assert "metadata" not in metadata_of(response)
    said = json.loads(opened(reader, response))
    ((key, _),) = (await list_of(reader, session))["status"]["details"].items()
    assert [each["id"] for each in said["accounts"]] == [key]
    assert set(said) == {"accounts", "consentid"}


@pytest.mark.parametrize("name", ["3_1000_201_D202606_1.json", "x", "..%2f..", "3_1_1_D000000_1.json", "%00"])
async def test_a_file_that_is_not_there_is_not_found(reader: Consumer, name: str) -> None:
    session = await reader.let_in()
    await reader.refused(404, "NotFound", await read(reader, session, name))


async def test_nobody_reads_another_libraries_files(
    runtime: Runtime, known: Tenant, reader: Consumer, stranger: Consumer
) -> None:
    shelf = await shelf_for(runtime, known)
    await shelf.documents([document()])
    (name,) = names(await list_of(reader, await alices(runtime, reader, known)))
    theirs = await stranger.let_in()
    await stranger.refused(404, "NotFound", await read(stranger, theirs, name))
    response = await stranger.post("/permission-access/trigger", access_token=reader.access_token)
    await stranger.refused(401, "InvalidToken", response)


async def test_the_services_are_those_of_the_catalogue(reader: Consumer, stranger: Consumer) -> None:
    found = (await reader.send("GET", "/discovery/services")).json()["data"]
    assert set(found) == {"countries", "serviceGroups", "services"}
    assert {1000, 999} <= {each["id"] for each in found["services"]}
    for each in found["services"]:
        assert type(each["id"]) is int
        assert each["serviceGroups"]
    response = await reader.send("GET", "/discovery/services", headers={"contractId": letters()})
    await reader.refused(404, "InvalidContractId", response)
    contract = reader.client_id.partition("_")[2]
    assert (await reader.send("GET", "/discovery/services", headers={"contractId": contract})).status_code == 200


async def test_a_bank_that_moves_on_moves_the_files(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    await link(runtime, known, "fast")
    async with working(runtime):
        session = await alices(runtime, reader, known)
        before = dates(await ended(reader, session))
        await advance(runtime, 3)
        after = dates(await ended(reader, await reader.trigger()))
    assert any(at > before.get(name, 0) for name, at in after.items())
    assert any(at == before.get(name) for name, at in after.items())
