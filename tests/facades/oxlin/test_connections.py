"""Connections over the wire, synchronised by a real worker."""

import asyncio
import time
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from afflux.runtime import Runtime
from tests.facades.oxlin.calling import (
    BACK,
    EMBEDDED,
    REDIRECT,
    Client,
    agree,
    linked,
    rested,
    sandbox,
    tenant_of,
    two_ways,
)
from tests.jobs.acting import working
from tests.services.handing_in import hand_in

DAY = 86_400
SAMPLES = Path(__file__).parents[2] / "connectors" / "files" / "samples"


async def test_a_bank_is_linked_and_its_accounts_are_fetched(runtime: Runtime, ana: Client) -> None:
    made = await ana.send("POST", "/connections", two_ways(EMBEDDED, name="My bank", auto_sync=False))
    connection = made.json()
    assert made.status_code == 201
    assert made.headers["location"] == f"/connections/{connection['id']}"
    async with working(runtime):
        done = await rested(ana, connection["id"])
    assert done == await ana.get(f"/connections/{connection['id']}")
    assert [done] == await ana.get("/connections")
    redirect, embedded = done.pop("channels")
    last = embedded.pop("last_end_date")
    assert abs(last - time.time()) < 60
    assert embedded == {
        "channel_definition_id": EMBEDDED,
        "mode": "EMBEDDED",
        "status": "SUCCESS",
        "last_success_date": last,
        "credentials": [],
        "account_types": ["CHECKINGS", "SAVINGS", "LOAN", "CREDIT_CARD"],
        "channel_definition_unavailable": False,
    }
    assert redirect == {
        "channel_definition_id": REDIRECT,
        "mode": "REDIRECT",
        "status": "EMPTY",
        "eligible_accounts": False,
        "account_types": ["CHECKINGS", "CREDIT_CARD"],
        "channel_definition_unavailable": False,
    }
    assert done.pop("owner")["name"]
    assert done.pop("creation_date") <= last
    assert done == {
        "id": connection["id"],
        "provider_id": "87",
        "user_id": ana.user_id,
        "name": "My bank",
        "status": "SUCCESS",
        "auto_sync": False,
        "consent_per_account": False,
        "logo_url": "http://127.0.0.1:8080/signin/bank.svg",
    }
    assert (await ana.http.get(done["logo_url"])).headers["content-type"] == "image/svg+xml"


async def test_it_runs_from_the_moment_it_is_made(ana: Client) -> None:
    connection = await ana.post("/connections", two_ways(EMBEDDED))
    assert connection["status"] == "RUNNING"
    assert connection["auto_sync"] is True
    assert connection["name"] == "Afflux Test Bank"
    assert [channel["status"] for channel in connection["channels"]] == ["EMPTY", "RUNNING"]


async def test_by_redirect_nothing_runs_until_the_user_has_agreed_at_the_bank(runtime: Runtime, ana: Client) -> None:
    connection = await ana.post("/connections", two_ways(REDIRECT))
    assert connection["status"] == "FAILED"
    assert connection["channels"][0]["status"] == "TOKEN_EXPIRED"
    back = await agree(ana, connection)
    assert back.status_code == 302
    assert back.headers["location"] == f"{BACK}?connection_id={connection['id']}"
    async with working(runtime):
        done = await rested(ana, connection["id"])
    channel = done["channels"][0]
    assert (done["status"], channel["status"]) == ("SUCCESS", "SUCCESS")
    assert abs(channel["expires"] - time.time() - 90 * DAY) < 60
    assert "auth_url" not in channel
    types = {account["type"] for account in await ana.get("/accounts")}
    assert types == {"CHECKINGS", "CREDIT_CARD"}


async def test_both_channels_make_one_set_of_accounts(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        done = await linked(ana, two_ways())
        async_done = await rested(ana, done["id"])
    assert async_done["status"] == "SUCCESS"
    accounts = await ana.get("/accounts")
    assert len({account["account_number"] for account in accounts}) == len(accounts)
    assert {account["type"] for account in accounts} == {"CHECKINGS", "CREDIT_CARD", "SAVINGS", "LOAN"}


async def test_what_cannot_be_linked_is_refused(ana: Client) -> None:
    credentials = two_ways(EMBEDDED)["channels"][0]["credentials"]
    one = {"channel_definition_id": EMBEDDED, "credentials": credentials}
    for body, error in (
        ({}, "PARAMETER_MISSING"),
        ({"provider_id": "87"}, "PARAMETER_MISSING"),
        ({"provider_id": "87", "channels": []}, "PARAMETER_MISSING"),
        ({"provider_id": "87", "channels": [one | {"credentials": credentials[:1]}]}, "PARAMETER_MISSING"),
        ({"provider_id": "1", "channels": [one]}, "BAD_PARAMETER"),
        ({"provider_id": "no", "channels": [one]}, "BAD_PARAMETER"),
        ({"provider_id": "1000", "channels": [one]}, "BAD_PARAMETER"),
        ({"provider_id": "87", "channels": [one, one]}, "BAD_PARAMETER"),
        ({"provider_id": "87", "channels": [one], "name": ""}, "BAD_PARAMETER"),
        ({"provider_id": "87", "channels": [one], "auto_sync": "yes"}, "FORMAT_ERROR"),
        ({"provider_id": "87", "channels": [one], "auto_sync": "true"}, "FORMAT_ERROR"),
        ({"provider_id": 87, "channels": [one]}, "FORMAT_ERROR"),
        ({"provider_id": "87", "channels": one}, "FORMAT_ERROR"),
    ):
        await ana.refused(400, error, "POST", "/connections", body)
    elsewhere = [{"channel_definition_id": REDIRECT, "redirect_url": "https://evil.example/"}]
    await ana.refused(400, "BAD_PARAMETER", "POST", "/connections", {"provider_id": "87", "channels": elsewhere})
    assert await ana.get("/connections") == []


async def test_a_wrong_password_shows_on_the_channel_and_new_credentials_heal_it(runtime: Runtime, ana: Client) -> None:
    wrong = two_ways(EMBEDDED)
    wrong["channels"][0]["credentials"][1]["value"] = "guess"
    async with working(runtime):
        failed = await linked(ana, wrong)
        assert (failed["status"], failed["channels"][1]["status"]) == ("FAILED", "AUTH_FAILED")
        assert "last_success_date" not in failed["channels"][1]
        right = {"channels": two_ways(EMBEDDED)["channels"]}
        changed = await ana.patch(f"/connections/{failed['id']}", right)
        assert changed["status"] == "RUNNING"
        done = await rested(ana, failed["id"])
    assert done["status"] == "SUCCESS"


async def test_put_is_another_word_for_patch(ana: Client) -> None:
    connection = await ana.post("/connections", two_ways(REDIRECT))
    response = await ana.send("PUT", f"/connections/{connection['id']}", {"name": "Ours", "auto_sync": False})
    assert (response.status_code, response.json()["name"], response.json()["auto_sync"]) == (200, "Ours", False)
    again = await ana.patch(f"/connections/{connection['id']}", {"consent_per_account": True})
    assert (again["name"], again["consent_per_account"]) == ("Ours", True)


async def test_an_empty_channel_can_be_filled_later(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        first = await linked(ana, two_ways(EMBEDDED))
        wanted = {"channels": two_ways(REDIRECT)["channels"]}
        asked = await ana.patch(f"/connections/{first['id']}", wanted)
        assert [channel["status"] for channel in asked["channels"]] == ["TOKEN_EXPIRED", "SUCCESS"]
        before = await ana.get("/accounts")
        await agree(ana, asked)
        done = await rested(ana, first["id"])
    assert [channel["status"] for channel in done["channels"]] == ["SUCCESS", "SUCCESS"]
    assert [account["id"] for account in await ana.get("/accounts")] == [account["id"] for account in before]


async def test_a_new_address_to_agree_at_voids_the_old_one(ana: Client) -> None:
    connection = await ana.post("/connections", two_ways(REDIRECT))
    renewed = await ana.patch(f"/connections/{connection['id']}", {"channels": two_ways(REDIRECT)["channels"]})
    assert (await agree(ana, connection)).status_code == 404
    assert parse_qs(urlsplit((await agree(ana, renewed)).headers["location"]).query)["connection_id"]


async def test_a_deleted_connection_takes_everything_along(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        connection = await linked(ana, two_ways(EMBEDDED))
    assert await ana.get("/transactions?limit=1")
    await ana.delete(f"/connections/{connection['id']}")
    assert (await ana.get("/connections"), await ana.get("/accounts"), await ana.get("/transactions")) == ([], [], [])
    for method in ("GET", "PATCH", "DELETE"):
        await ana.refused(404, "RESOURCE_UNKNOWN", method, f"/connections/{connection['id']}")


async def test_synchronising_one_and_all(runtime: Runtime, ana: Client) -> None:
    async with working(runtime):
        first = await linked(ana, two_ways(EMBEDDED))
        second = await linked(ana, sandbox("ana"))
        for target in ("", "?type=ALL", "?type=LIST_ACCOUNTS"):
            response = await ana.send("POST", f"/connections/{first['id']}/synchronize{target}", {})
            assert (response.status_code, response.content) == (204, b"")
            assert (await ana.get(f"/connections/{first['id']}"))["status"] == "RUNNING"
        await rested(ana, first["id"])
        links = await ana.post("/connections/synchronize?type=whatever", status=200)
        await rested(ana, second["id"])
    assert links == {"connection_links": [f"/connections/{first['id']}", f"/connections/{second['id']}"]}
    for kind in ("all", "LIST", ""):
        await ana.refused(400, "BAD_PARAMETER", "POST", f"/connections/{first['id']}/synchronize?type={kind}")
    await ana.refused(404, "RESOURCE_UNKNOWN", "POST", "/connections/999999/synchronize")


async def test_there_may_be_nothing_to_synchronise(ana: Client) -> None:
    assert await ana.post("/connections/synchronize", status=200) == {"connection_links": []}


async def test_lists_come_in_pages_and_by_filters(ana: Client) -> None:
    ids = [(await ana.post("/connections", two_ways(REDIRECT, name=f"Bank {n}")))["id"] for n in range(3)]
    ids.append((await ana.post("/connections", sandbox("ana")))["id"])
    seen = [[each["id"] for each in await ana.get(f"/connections?page={page}&limit=3")] for page in (1, 2, 3)]
    assert seen == [ids[:3], ids[3:], []]
    assert [each["id"] for each in await ana.get("/connections?provider_id=1000")] == ids[3:]
    assert [each["id"] for each in await ana.get("/connections?status=RUNNING")] == ids[3:]
    assert [each["id"] for each in await ana.get("/connections?status=FAILED&limit=2&page=2")] == ids[2:3]
    for query in ("page=0", "limit=0", "limit=501", "page=x", "page=1.5", "page=1.0", "limit=-1", "status=GREAT"):
        await ana.refused(400, "BAD_PARAMETER", "GET", f"/connections?{query}")


async def test_every_list_ends(ana: Client) -> None:
    connection = await ana.post("/connections", two_ways(EMBEDDED))
    await ana.post("/queues")
    lists = ("/providers", "/categories", "/queues", "/accounts", "/transactions", "/connections")
    for path in (*lists, f"/connections/{connection['id']}/challenges"):
        assert await ana.get(f"{path}?limit=1") == (await ana.get(path))[:1], path
        assert await ana.get(f"{path}?page=1000") == [], path
        for query in ("page=0", "page=x", "limit=0", "limit=501", "limit=1.0"):
            await ana.refused(400, "BAD_PARAMETER", "GET", f"{path}?{query}")


async def test_statement_files_are_a_connection_without_channels(runtime: Runtime, ana: Client) -> None:
    tenant = await tenant_of(runtime, ana)
    await hand_in(runtime, tenant, "statement.sta", (SAMPLES / "mt940" / "rabobank-iban.sta").read_bytes())
    async with working(runtime), asyncio.timeout(30):
        while not (accounts := await ana.get("/accounts")):
            await asyncio.sleep(0.02)
    (connection,) = await ana.get("/connections")
    assert (connection["status"], connection["channels"]) == ("NONE", [])
    assert {account["status"] for account in accounts} == {"MANUAL"}
    assert await ana.get("/accounts?status=MANUAL") == accounts
    await ana.refused(409, "INVALID_STATE", "POST", f"/connections/{connection['id']}/synchronize")
    assert await ana.post("/connections/synchronize", status=200) == {"connection_links": []}


async def test_a_user_who_deletes_an_account_amid_a_synchronisation_gets_nothing_back(
    runtime: Runtime, ana: Client
) -> None:
    async with working(runtime):
        connection = await linked(ana, sandbox("ana+accounts-4+history-4000"))
        accounts = await ana.get("/accounts")
        await ana.post(f"/connections/{connection['id']}/synchronize", status=204)
        for account in accounts[:2]:
            await ana.delete(f"/accounts/{account['id']}")
        done = await rested(ana, connection["id"])
    assert done["status"] == "SUCCESS"
    assert await ana.get("/accounts") == [await ana.get(f"/accounts/{account['id']}") for account in accounts[2:]]
    async with runtime.database.reading() as tx:
        buried = await tx.fetch("SELECT id FROM accounts WHERE status = 'deleted'")
        left = await tx.value(
            "SELECT count(*) FROM transactions WHERE account_id = ANY($1)", [row["id"] for row in buried]
        )
    assert (len(buried), left) == (2, 0)
