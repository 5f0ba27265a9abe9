"""Deleting a library, and the session endpoint of older clients."""

import httpx

from afflux.domain.contracts import ContractKind
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.services import suspension
from afflux.store import users
from tests.conftest import Tenant
from tests.facades.digime.calling import Consumer
from tests.facades.digime.conftest import make_consumer


async def test_a_deleted_library_is_gone_for_every_contract_and_on_record(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, reader: Consumer, stranger: Consumer
) -> None:
    session = await reader.let_in()
    other = await make_consumer(runtime, http, alice, ContractKind.READ_RAW)
    await other.let_in(access_token=reader.access_token)
    await stranger.let_in()
    response = await reader.send("DELETE", "/user", reader.token(access_token=reader.access_token))
    assert (response.status_code, response.content) == (204, b"")
    for each in (reader, other):
        again = await each.post("/permission-access/trigger", access_token=each.access_token)
        await each.refused(401, "InvalidToken", again)
        await each.refused(401, "InvalidToken", await each.refresh())
    listed = await reader.send("GET", f"/permission-access/query/{session['key']}")
    await reader.refused(401, "SessionInvalid", listed)
    await stranger.trigger()
    async with runtime.database.transaction() as tx:
        acts = await tx.fetch("SELECT actor, status FROM operations WHERE kind = 'erase'")
    assert [tuple(row) for row in acts] == [("user", "successful")]


async def test_a_library_is_not_deleted_by_a_stranger(reader: Consumer, stranger: Consumer) -> None:
    await reader.let_in()
    response = await stranger.send("DELETE", "/user", stranger.token(access_token=reader.access_token))
    await stranger.refused(401, "InvalidToken", response)
    await reader.trigger()


async def test_older_clients_open_a_session_by_naming_the_contract(reader: Consumer) -> None:
    application_id, _, contract_id = reader.client_id.partition("_")
    body = {"appId": application_id, "contractId": contract_id, "sdkAgent": {"name": "x", "version": "1"}}
    response = await reader.send("POST", "/permission-access/session", json=body)
    assert set(response.json()) == {"sessionKey", "expiry", "sessionExchangeToken"}
    for wrong, status, code in (
        ({"contractId": "x"}, 404, "InvalidContractId"),
        ({"appId": "x"}, 404, "InvalidConsentAccessApplication"),
        ({"appId": 7}, 400, "ValidationErrors"),
    ):
        answer = await reader.send("POST", "/permission-access/session", json={**body, **wrong})
        await reader.refused(status, code, answer)


async def test_nothing_is_fetched_for_the_library_of_a_suspended_user(runtime: Runtime, reader: Consumer) -> None:
    session = await reader.let_in()
    async with runtime.database.transaction() as tx:
        (row,) = await tx.fetch("SELECT application_id, user_id FROM library_sessions")
        user = await users.by_id(tx, row["application_id"], row["user_id"])
        await suspension.suspend(tx, Principal(user.application_id, Role.OPERATOR), user)
    again = await reader.post("/permission-access/trigger", access_token=reader.access_token)
    assert "the user is suspended" in await reader.refused(400, "ValidationErrors", again)
    assert (await reader.send("GET", f"/permission-access/query/{session['key']}")).status_code == 200
