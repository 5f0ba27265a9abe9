"""Connections over the wire: linked, listed, changed, unlinked (contract: sections 5.4 and 6.3)."""

import asyncio
from typing import Any

import pytest

from afflux.runtime import Runtime
from tests.facades.iswigo.calling import Client
from tests.jobs.acting import working

TEST_BANK = {"provider": 999, "login": "123456789", "password": "123456"}
#: A bank that asks nothing and has little to tell; what it does is in its login.
QUIET = {"provider": 1000, "login": "fast+quiet", "password": "123456"}


async def connect(client: Client, **body: Any) -> str:
    """The id of a new connection."""
    made = await client.post("/v1/connections", QUIET | body)
    return str(made["connection_id"])


async def test_a_new_connection_is_as_the_contract_shows_it(hector: Client) -> None:
    response = await hector.send("POST", "/v1/connections", TEST_BANK | {"parameter3": None, "colour": ["blue"]})
    made = response.json()
    assert response.status_code == 201
    assert list(made) == [
        "connection_id",
        "provider_id",
        "create_time",
        "login",
        "last_synchronized_time",
        "last_error_time",
        "nb_errors",
        "automatic_synchronization",
    ]
    assert (made["provider_id"], made["login"], made["nb_errors"]) == (999, "123###789", 0)
    assert (made["last_synchronized_time"], made["last_error_time"]) == (None, None)
    assert made["automatic_synchronization"] is True
    assert await hector.get(f"/v1/connections/{made['connection_id']}") == made


@pytest.mark.parametrize(
    ("change", "status", "description"),
    [
        ({"provider": None}, 400, "Invalid parameter provider"),
        ({"provider": "999"}, 400, "Invalid parameter provider"),
        ({"provider": True}, 400, "Invalid parameter provider"),
        ({"provider": 999.0}, 400, "Invalid parameter provider"),
        ({"provider": 4711}, 404, "Provider not found"),
        ({"provider": 1011, "password": "secret"}, 400, "Provider not available"),
        ({"login": None}, 400, "Invalid parameter login"),
        ({"login": 123456789}, 400, "Invalid parameter login"),
        ({"login": ""}, 400, "Invalid parameter login"),
        ({"login": "123456789012"}, 400, "Invalid parameter login"),
        ({"password": None}, 400, "Invalid parameter password"),
        ({"password": "12345"}, 400, "Invalid parameter password"),
        ({"password": "12345a"}, 400, "Invalid parameter password"),
        ({"password": "١٢٣٤٥٦"}, 400, "Invalid parameter password"),
    ],
)
async def test_what_cannot_be_linked_is_refused_by_name(
    hector: Client, change: dict[str, Any], status: int, description: str
) -> None:
    await hector.refused(status, description, "POST", "/v1/connections", TEST_BANK | change)
    assert await hector.get("/v1/connections") == []


async def test_a_body_has_to_be_an_object(hector: Client) -> None:
    await hector.refused(400, "Invalid body", "POST", "/v1/connections", [TEST_BANK])
    await hector.refused(400, "Invalid parameter provider", "POST", "/v1/connections", {})
    await hector.refused(400, "Malformed JSON", "POST", "/v1/connections", b'{"provider":999,"provider":999}')


async def test_the_same_bank_can_be_linked_twice(hector: Client) -> None:
    ids = [await connect(hector), await connect(hector)]
    listed = await hector.get("/v1/connections")
    assert [each["connection_id"] for each in listed] == ids


async def test_connections_are_listed_by_type_and_in_ranges(hector: Client) -> None:
    bank = await connect(hector, **TEST_BANK)
    refusing = await connect(hector, provider=1005, login="9876543210")
    portal = await connect(hector, provider=1006, login="hector@mail.com")

    async def listed(query: str) -> list[str]:
        return [each["connection_id"] for each in await hector.get(f"/v1/connections?{query}")]

    assert await listed("filters[type]=document") == [refusing, portal]
    assert await listed("filters%5Btype%5D=bank") == [bank, refusing]
    assert await listed("filters[type]=airline") == []
    response = await hector.send("GET", "/v1/connections?range=1-1")
    assert [each["connection_id"] for each in response.json()] == [refusing]
    assert response.headers["Accept-Range"] == "connections 1"
    assert response.headers["Content-Range"] == "1-1/3"


async def test_linking_is_for_psd2_applications_only(kiosk: Client) -> None:
    user = await kiosk.joined_by()
    await user.refused(403, "Forbidden", "POST", "/v1/connections", TEST_BANK)
    assert await user.get("/v1/connections") == []
    assert await user.post("/v1/connections/sync") == []


async def test_new_credentials_are_masked_and_tried_at_once(hector: Client, runtime: Runtime) -> None:
    refused = await connect(hector, login="fast+quiet", password="wrong")
    target = f"/v1/connections/{refused}"
    async with working(runtime):
        assert (await hector.status(refused))["errno"] == 2
        assert (await hector.get(target))["nb_errors"] == 1
        changed = await hector.put(target, {"login": "fast+quiet+hector", "password": "123456"})
        assert (changed["login"], changed["nb_errors"]) == ("fas###########tor", 0)
        assert changed["last_error_time"] is not None
        assert (await hector.status(refused))["status"] == "finished"
    assert (await hector.get(target))["nb_errors"] == 0


async def test_credentials_that_are_left_out_keep_their_values(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, password="wrong")
    target = f"/v1/connections/{connection}"
    async with working(runtime):
        assert (await hector.status(connection))["errno"] == 2
        changed = await hector.put(target, {"login": None, "password": "123456"})
        assert changed["login"] == "fas####iet"
        assert (await hector.status(connection))["status"] == "finished"
        await hector.put(target, {"login": "fast+quiet+locked"})
        assert (await hector.status(connection))["errno"] == 201


async def test_a_change_of_nothing_changes_nothing(hector: Client) -> None:
    connection = await connect(hector)
    before = await hector.get(f"/v1/connections/{connection}")
    assert await hector.put(f"/v1/connections/{connection}", {"parameter3": "x", "provider": 1005}) == before
    await hector.refused(400, "Invalid parameter password", "PUT", f"/v1/connections/{connection}", {"password": 7})


async def test_a_sync_that_waits_with_the_old_credentials_makes_room(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="fast+quiet+sms")
    async with working(runtime):
        await hector.status(connection, "waiting user")
        await hector.put(f"/v1/connections/{connection}", {"login": "fast+quiet"})
        assert (await hector.status(connection))["status"] == "finished"
    await hector.refused(400, "Step not available", "POST", f"/v1/connections/{connection}/step", {"sms": "1234"})


async def test_a_sync_that_runs_with_the_old_credentials_makes_room(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="slow-30")
    async with working(runtime):
        await hector.status(connection, "in progress")
        await hector.put(f"/v1/connections/{connection}", {"login": "fast+quiet"})
        assert (await hector.status(connection))["status"] == "finished"


async def test_the_same_credentials_again_disturb_no_sync(hector: Client, runtime: Runtime) -> None:
    connection = await connect(hector, login="fast+quiet+sms")
    async with working(runtime):
        await hector.status(connection, "waiting user")
        await hector.put(f"/v1/connections/{connection}", {"password": "123456"})
        assert (await hector.status(connection))["status"] == "waiting user"


async def test_a_connection_goes_with_its_data_even_while_it_is_synchronised(hector: Client, runtime: Runtime) -> None:
    held = await connect(hector, login="fast+documents-1")
    busy = await connect(hector, login="slow-30")
    async with working(runtime):
        await hector.status(held, "finished")
        assert await hector.get("/v1/bank/accounts")
        await hector.status(busy, "in progress")
        for connection in (held, busy):
            await hector.delete(f"/v1/connections/{connection}")
        for connection in (held, busy):
            for target in (f"/v1/connections/{connection}", f"/v1/connections/{connection}/status"):
                await hector.refused(404, "Not Found", "GET", target)
            await hector.refused(404, "Not Found", "POST", f"/v1/connections/{connection}/sync")
            await hector.refused(404, "Not Found", "DELETE", f"/v1/connections/{connection}")
        assert await hector.get("/v1/connections") == []
        assert await hector.get("/v1/bank/accounts") == []
        assert await hector.get("/v1/documents") == []
        await emptied(runtime)


async def emptied(runtime: Runtime) -> None:
    """Wait until the queue has no job left."""
    async with asyncio.timeout(30):
        while True:
            async with runtime.database.reading() as tx:
                if await tx.value("SELECT count(*) FROM pgqueuer") == 0:
                    return
            await asyncio.sleep(0.05)
