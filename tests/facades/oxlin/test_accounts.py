"""Accounts over the wire: reading, renaming, deleting, and coming back."""

import time
from typing import Any

from afflux.runtime import Runtime
from tests.facades.oxlin.calling import EMBEDDED, REDIRECT, Client, agree, linked, rested, sandbox, two_ways
from tests.facades.oxlin.test_queues import expire_consents
from tests.jobs.acting import advance, working


async def test_an_account_is_as_the_contract_says(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
    accounts = await ana.get("/accounts")
    (current,) = [each for each in accounts if each["type"] == "CHECKINGS"]
    assert current == await ana.get(f"/accounts/{current['id']}")
    assert abs(current.pop("balance_date") - time.time()) < 2 * 86_400
    assert abs(current.pop("creation_date") - time.time()) < 60
    assert isinstance(current.pop("balance"), int | float)
    assert current.pop("iban").startswith("FR")
    assert current.pop("account_number")
    assert current.pop("owner")["name"]
    assert current.pop("name")
    assert current.pop("id").isdigit()
    assert current == {
        "connection_id": connection["id"],
        "currency": "EUR",
        "type": "CHECKINGS",
        "status": "ACTIVE",
        "usage": "PERSONAL",
        "last_channel_definition_id": EMBEDDED,
    }


async def test_lists_can_be_filtered(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        first = await linked(ana, two_ways(EMBEDDED))
        second = await linked(ana, sandbox("ana"))
    accounts = await ana.get("/accounts")
    assert [int(each["id"]) for each in accounts] == sorted(int(each["id"]) for each in accounts)
    savings = [each for each in accounts if each["type"] == "SAVINGS"]
    assert await ana.get("/accounts?type=SAVINGS") == savings
    assert await ana.get(f"/accounts?connection_id={second['id']}") == [
        each for each in accounts if each["connection_id"] == second["id"]
    ]
    assert await ana.get(f"/accounts?q={savings[0]['account_number'].lower()}&sort=name") == savings[:1]
    assert await ana.get("/accounts?status=ACTIVE&usage=PERSONAL") == accounts
    assert await ana.get("/accounts?limit=2&page=2") == accounts[2:4]
    for query in ("status=ERROR", "usage=PROFESSIONAL", "connection_id=999999", "connection_id=x", "page=9", "q=%25"):
        assert await ana.get(f"/accounts?{query}") == [], query
    for query in ("status=GOOD", "type=PURSE", "usage=NONE"):
        await ana.refused(400, "BAD_PARAMETER", "GET", f"/accounts?{query}")
    assert first["id"] != second["id"]


async def test_an_account_is_well_as_long_as_one_of_its_channels_is(runtime: Runtime, ana: Client) -> None:
    wrong = two_ways(EMBEDDED)["channels"]
    wrong[0]["credentials"][1]["value"] = "guess"
    async with working(runtime):
        # By login first, so that this channel is the one that brought them all.
        connection = await linked(ana, two_ways(EMBEDDED))
        place = f"/connections/{connection['id']}"
        await agree(ana, await ana.patch(place, {"channels": two_ways(REDIRECT)["channels"]}))
        assert (await rested(ana, connection["id"]))["status"] == "SUCCESS"
        await ana.patch(place, {"channels": wrong})
        assert (await rested(ana, connection["id"]))["status"] == "FAILED"
    statuses = {each["type"]: each["status"] for each in await ana.get("/accounts")}
    assert statuses == {"CHECKINGS": "ACTIVE", "CREDIT_CARD": "ACTIVE", "SAVINGS": "ERROR", "LOAN": "ERROR"}


async def test_its_user_s_name_for_it_outlives_synchronisations(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
        account = (await ana.get("/accounts"))[0]
        changed = await ana.patch(f"/accounts/{account['id']}", {"name": "Household", "usage": "PROFESSIONAL"})
        assert changed == account | {"name": "Household", "usage": "PROFESSIONAL"}
        await advance(runtime, 3)
        await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
        await rested(ana, connection["id"])
    now = await ana.get(f"/accounts/{account['id']}")
    assert (now["name"], now["usage"]) == ("Household", "PROFESSIONAL")
    await ana.refused(400, "BAD_PARAMETER", "PATCH", f"/accounts/{account['id']}", {"name": ""})
    await ana.refused(400, "BAD_PARAMETER", "PATCH", f"/accounts/{account['id']}", {"usage": "FUN"})
    await ana.refused(400, "FORMAT_ERROR", "PATCH", f"/accounts/{account['id']}", {"usage": 1})


async def test_a_deleted_account_stays_away_until_accounts_are_listed(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
        before = await ana.get("/accounts")
        gone = before[0]
        await ana.delete(f"/accounts/{gone['id']}")
        assert await ana.get(f"/transactions?account_id={gone['id']}") == []
        await ana.refused(404, "RESOURCE_UNKNOWN", "GET", f"/accounts/{gone['id']}")
        await synchronise(ana, connection, "ALL")
        assert await ana.get("/accounts") == before[1:]
        await synchronise(ana, connection, "LIST_ACCOUNTS")
    after = await ana.get("/accounts")
    assert after[:-1] == before[1:]
    assert after[-1]["id"] != gone["id"]
    assert after[-1]["account_number"] == gone["account_number"]
    assert await ana.get(f"/transactions?account_id={after[-1]['id']}&limit=1")
    await ana.refused(404, "RESOURCE_UNKNOWN", "GET", f"/accounts/{gone['id']}")


async def test_the_last_account_takes_its_channel_along_and_the_last_channel_the_connection(
    runtime: Runtime, ana: Client
) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways())
    accounts = await ana.get("/accounts")
    paying = [each for each in accounts if each["type"] in ("CHECKINGS", "CREDIT_CARD")]
    others = [each for each in accounts if each not in paying]
    for account in paying:
        await ana.delete(f"/accounts/{account['id']}")
    now = await ana.get(f"/connections/{connection['id']}")
    assert [each["status"] for each in now["channels"]] == ["EMPTY", "SUCCESS"]
    assert now["channels"][0]["eligible_accounts"] is True
    assert now["status"] == "SUCCESS"
    for account in others:
        await ana.delete(f"/accounts/{account['id']}")
    await ana.refused(404, "RESOURCE_UNKNOWN", "GET", f"/connections/{connection['id']}")
    async with runtime.database.reading() as tx:
        assert await tx.value("SELECT count(*) FROM connection_channels") == 0
        assert await tx.value("SELECT count(*) FROM transactions") == 0


async def test_a_failing_channel_s_accounts_are_in_error(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(REDIRECT))
        await expire_consents(runtime)
        assert {each["status"] for each in await ana.get("/accounts")} == {"ACTIVE"}
        await synchronise(ana, connection, "ALL")
    accounts = await ana.get("/accounts")
    assert {each["status"] for each in accounts} == {"ERROR"}
    assert await ana.get("/accounts?status=ERROR") == accounts


async def test_what_the_bank_does_with_its_accounts_shows(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        vanishing = await linked(ana, sandbox("ana+vanished"))
        closing = await linked(ana, sandbox("ana+closed"))
        await advance(runtime, 3)
        await synchronise(ana, vanishing, "ALL")
        await synchronise(ana, closing, "ALL")
    statuses = {
        each["id"]: [account["status"] for account in await ana.get(f"/accounts?connection_id={each['id']}")]
        for each in (vanishing, closing)
    }
    assert statuses[vanishing["id"]][-1] == "NOT_FOUND"
    assert statuses[closing["id"]][-1] == "CLOSED"


async def test_consent_may_be_wanted_for_each_account(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED, consent_per_account=True))
    assert {each["status"] for each in await ana.get("/accounts")} == {"PENDING_CONSENT"}
    await ana.patch(f"/connections/{connection['id']}", {"consent_per_account": False})
    assert {each["status"] for each in await ana.get("/accounts")} == {"ACTIVE"}


async def synchronise(client: Client, connection: Any, kind: str) -> None:
    """Ask for a synchronisation and see it to its end."""
    await client.post(f"/connections/{connection['id']}/synchronize?type={kind}", status=204)
    await rested(client, connection["id"])
