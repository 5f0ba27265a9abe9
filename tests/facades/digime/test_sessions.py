"""Reading: a trigger, the session's way, the list, the files, what scope and time leave of them."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from afflux.domain.contracts import ContractKind
from afflux.domain.syncs import SyncKind
from afflux.runtime import Runtime
from afflux.services.accounts import digest
from afflux.store import accounts, users
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
        assert re.fullmatch("[A-Za-z0-9._-]+", file["name"])
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


async def test_triggers_of_a_busy_library_wait_for_nobody(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    await link(runtime, known, "fast")
    await link(runtime, known, "wrong-password")
    await alices(runtime, reader, known)
    async with runtime.database.transaction() as tx:
        assert await users.take_turn(tx, known.application.id, known.user.id)
        async with asyncio.timeout(20):
            sessions = await asyncio.gather(*(reader.trigger() for _ in range(8)))
    for each in sessions:
        assert len((await list_of(reader, each))["status"]["details"]) == 2
    assert await runtime.database.pool.fetchval("SELECT count(*) FROM syncs") == 2


async def test_triggers_at_once_start_only_what_does_not_run(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    await link(runtime, known, "fast")
    await alices(runtime, reader, known)
    await link(runtime, known, "wrong-password")
    async with asyncio.timeout(20):
        sessions = await asyncio.gather(*(reader.trigger() for _ in range(8)))
    for each in sessions:
        assert len((await list_of(reader, each))["status"]["details"]) == 2
    assert await runtime.database.pool.fetchval("SELECT count(*) FROM syncs") == 2


async def test_somebody_suspended_is_not_triggered_though_his_syncs_still_run(
    runtime: Runtime, known: Tenant, reader: Consumer
) -> None:
    await link(runtime, known, "fast")
    await alices(runtime, reader, known)
    async with runtime.database.transaction() as tx:
        await users.set_suspended(tx, known.application.id, known.user.id, True)
    response = await reader.post("/permission-access/trigger", access_token=reader.access_token)
    await reader.refused(400, "ValidationErrors", response)


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


async def test_a_session_of_another_library_is_not_triggered(reader: Consumer) -> None:
    hers = await reader.let_in()
    token = reader.access_token
    await reader.let_in()
    claims = {"access_token": reader.access_token, "session_key": hers["key"]}
    await reader.refused(400, "SessionInvalid", await reader.post("/permission-access/trigger", **claims))
    assert (await reader.trigger(access_token=token, session_key=hers["key"]))["key"] == hers["key"]


async def test_a_contract_reads_no_more_than_its_scope(
    runtime: Runtime, http: httpx.AsyncClient, known: Tenant, reader: Consumer
) -> None:
    shelf = await shelf_for(runtime, known)
    current = await shelf.account(account())
    await shelf.movements(current, [movement(1), movement(2, day=date(2026, 3, 31))])
    await shelf.documents([document()])
    everything = names(await list_of(reader, await alices(runtime, reader, known)))
    accounts, movements = ([{"id": number}] for number in (202, 201))
    for kinds, expected in ((accounts, "3_1000_202_D"), (movements, "3_1000_201_D202606")):
        services = [{"id": 1000, "serviceObjectTypes": kinds}]
        since = [] if kinds is accounts else [{"from": 1780272000}]
        scope = {"serviceGroups": [{"id": 3, "serviceTypes": services}], "timeRanges": since}
        narrow = await make_consumer(runtime, http, known, scope=scope)
        session = await alices(runtime, narrow, known)
        for name in everything:
            response = await read(narrow, session, name)
            assert response.status_code == (200 if name.startswith(expected) else 404), (expected, name)
        listed = names(await list_of(narrow, session))
        assert listed == [name for name in everything if name.startswith(expected)]
        assert listed


async def test_a_session_that_waits_for_nobody_can_be_named_too(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, reader: Consumer
) -> None:
    await reader.let_in()
    other = await make_consumer(runtime, http, alice)
    mine, theirs = [await waiting_session(each) for each in (reader, other)]
    assert (await reader.trigger(session_key=mine["key"]))["key"] == mine["key"]
    assert (await list_of(reader, mine))["status"]["state"] == "completed"
    claims = {"access_token": reader.access_token, "session_key": theirs["key"]}
    await reader.refused(400, "SessionInvalid", await reader.post("/permission-access/trigger", **claims))
    assert (await list_of(other, theirs))["status"]["state"] == "pending"


async def waiting_session(consumer: Consumer) -> dict[str, Any]:
    """A session as older clients open it."""
    application_id, _, contract_id = consumer.client_id.partition("_")
    body = {"appId": application_id, "contractId": contract_id}
    return {"key": (await consumer.send("POST", "/permission-access/session", json=body)).json()["sessionKey"]}


async def test_a_session_that_is_over_is_not_triggered_again(runtime: Runtime, reader: Consumer) -> None:
    session = await reader.let_in()
    await age(runtime, "library_sessions", "expires_at", timedelta(minutes=15))
    claims = {"access_token": reader.access_token, "session_key": session["key"]}
    await reader.refused(400, "SessionInvalid", await reader.post("/permission-access/trigger", **claims))


async def test_a_contract_fetches_and_tells_only_what_it_reads(
    runtime: Runtime, http: httpx.AsyncClient, known: Tenant
) -> None:
    for provider, login in ((1000, "fast"), (999, "1")):
        await link(runtime, known, login, provider=provider)
    scope = {"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1000}]}]}
    narrow = await make_consumer(runtime, http, known, scope=scope)
    raw = await make_consumer(runtime, http, known, ContractKind.READ_RAW)
    writer = await make_consumer(runtime, http, known, ContractKind.WRITE)
    await alices(runtime, writer, known)
    async with working(runtime):
        for consumer, services in ((raw, []), (narrow, ["1000"])):
            session = await alices(runtime, consumer, known)
            found = await ended(consumer, session)
            said = json.loads(opened(consumer, await read(consumer, session, "accounts.json")))
            assert [key.partition("_")[0] for key in found["status"]["details"]] == services
            assert [each["id"].partition("_")[0] for each in said["accounts"]] == services
    async with runtime.database.transaction() as tx:
        assert {row["provider_id"] for row in await tx.fetch("SELECT provider_id FROM syncs")} == {1000}


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
    answers = [await reader.send("GET", f"/permission-access/query/{key}") for key in (session["key"], letters())]
    over, unknown = [await reader.refused(401, "SessionInvalid", each) for each in answers]
    assert over == unknown


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


async def test_a_balance_that_moves_makes_another_file_of_accounts(
    runtime: Runtime, known: Tenant, reader: Consumer
) -> None:
    shelf = await shelf_for(runtime, known)
    held = account(balance=Decimal("10.50"))
    account_id = await shelf.account(held)
    await alices(runtime, reader, known)
    before = dates(await list_of(reader, await reader.trigger()))
    same, moved = held, replace(held, balance=Decimal("10.51"))
    for record, expected in ((same, False), (moved, True)):
        async with runtime.database.transaction() as tx:
            await accounts.update(tx, shelf.sync, 100000, account_id, record, digest(record))
        after = dates(await list_of(reader, await reader.trigger()))
        assert [at > before[name] for name, at in after.items()] == [expected]


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


@pytest.mark.parametrize(("wanted", "told"), [(None, None), ("gzip", "gzip"), ("brotli", "brotli"), ("zstd", None)])
async def test_files_are_compressed_as_asked(
    runtime: Runtime, known: Tenant, reader: Consumer, wanted: str | None, told: str | None
) -> None:
    content = b"a line that comes again and again\n" * 20_000
    shelf = await shelf_for(runtime, known)
    await shelf.movements(await shelf.account(account()), [movement(number) for number in range(50)])
    await shelf.documents([document(content=content)])
    await alices(runtime, reader, known)
    session = await reader.trigger({"accept": {"compression": wanted}} if wanted else {})
    for name in [*names(await list_of(reader, session)), "accounts.json"]:
        response = await read(reader, session, name)
        assert metadata_of(response).get("compression") == told
        plain = opened(reader, response)
        assert plain == content if name.startswith("101_") else json.loads(plain)
        assert told is None or len(response.content) < 352 + len(plain)
        assert (len(response.content) < len(content) // 50) or not (told and name.startswith("101_"))


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


async def test_the_accounts_file_names_the_same_consent_as_the_tokens(runtime: Runtime, reader: Consumer) -> None:
    async def named(session: dict[str, Any]) -> str:
        return str(json.loads(opened(reader, await read(reader, session, "accounts.json")))["consentid"])

    begun, browser = await reader.authorize(), reader.browser()
    await browser.open("authorize", begun.code)
    end = await browser.decide("new")
    before = await named(begun.session)
    pair = await reader.take(await reader.exchange(begun.verifier, end["code"]))
    assert before == pair["consentid"]
    assert (await reader.take(await reader.refresh()))["consentid"] == before
    async with runtime.database.transaction() as tx:
        await tx.execute("DELETE FROM authorization_codes")
    assert await named(begun.session) == before
    assert await named(await reader.let_in(access_token=reader.access_token)) != before


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


async def test_a_library_goes_while_its_session_runs(runtime: Runtime, known: Tenant, reader: Consumer) -> None:
    await link(runtime, known, "fast")
    session = await alices(runtime, reader, known)
    path = f"/permission-access/query/{session['key']}"
    async with working(runtime):
        assert (await reader.send("GET", path)).status_code == 200
        response = await reader.send("DELETE", "/user", reader.token(access_token=reader.access_token))
        assert response.status_code == 204
        for name in ("", "/accounts.json", "/101_1000_10101_D202606_1.pdf"):
            await reader.refused(401, "SessionInvalid", await reader.send("GET", path + name))
    async with runtime.database.transaction() as tx:
        assert not await tx.fetch("SELECT FROM syncs UNION ALL SELECT FROM library_files")


async def test_a_contract_finds_the_services_that_it_reads(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, reader: Consumer
) -> None:
    scope = {"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 1000}]}]}
    narrow = await make_consumer(runtime, http, alice, scope=scope)
    writer = await make_consumer(runtime, http, alice, ContractKind.WRITE)
    for consumer, expected in ((narrow, [1000]), (writer, [])):
        contract_id = consumer.client_id.partition("_")[2]
        response = await reader.send("GET", "/discovery/services", headers={"contractId": contract_id})
        assert [each["id"] for each in response.json()["data"]["services"]] == expected


async def test_the_services_are_those_of_the_catalogue(reader: Consumer) -> None:
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
