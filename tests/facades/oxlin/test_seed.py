"""What the public documents show: the calls of the how-to as printed, and a public client written for the API."""

import asyncio
import json
import shutil
from typing import Any

import pytest
from linxo import client as linxo
from linxo.exceptions import AuthentificationFailed, InvalidCredentials, ResourceNotFoundError

from afflux.runtime import Runtime
from afflux.services import applications
from tests.facades.iswigo.calling import Client as IswigoClient
from tests.facades.oxlin.calling import ANA, BACK, EMBEDDED, REDIRECT, Client, linked, told, two_ways
from tests.jobs.acting import working
from tests.serving import served

#: The calls of the how-to, with the placeholders filled in by the shell.
CALLS = {
    "one": 'curl -i -X POST $API/connections/$CONNECTION/synchronize -H "authorization: Bearer $TOKEN"',
    "all": 'curl -i -X POST $API/connections/synchronize -H "authorization: Bearer $TOKEN"',
    "queue": 'curl -sk $API/queues/$QUEUE -H "authorization: Bearer $TOKEN"',
}


async def curl(call: str, **values: str) -> str:
    """What a call prints."""
    bash = await asyncio.create_subprocess_exec(
        "bash", "-c", call, env={"PATH": "/usr/bin:/bin", **values}, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await bash.communicate()
    assert bash.returncode == 0
    return out.decode()


@pytest.mark.skipif(not shutil.which("curl"), reason="the how-to's client is curl")
async def test_the_how_to_works_as_printed(runtime: Runtime, ana: Client) -> None:
    async with working(runtime), served(runtime) as port:
        connection = await linked(ana, two_ways())
        queue = (await ana.post("/queues"))["id"]
        values = {"API": f"http://127.0.0.1:{port}/v2.1", "TOKEN": ana.token or "", "QUEUE": queue}
        one = await curl(CALLS["one"], CONNECTION=connection["id"], **values)
        assert one.startswith("HTTP/1.1 204 ")
        await told(ana, queue)
        every = await curl(CALLS["all"], **values)
        assert every.startswith("HTTP/1.1 200 ")
        assert json.loads(every.rpartition("\r\n")[2]) == {"connection_links": [f"/connections/{connection['id']}"]}
        await told(ana, queue, ends=2)
        end = json.loads(await curl(CALLS["queue"], **values))[-1]
    assert (end["event_type"], end["resource_type"]) == ("SYNC_ALL_SUCCESS", "CONNECTION")
    assert end["resource"]["id"] == connection["id"]
    assert end["resource"]["status"] == "SUCCESS"
    shown = {"channel_definition_id", "status", "last_success_date", "last_end_date"}
    redirect, embedded = end["resource"]["channels"]
    assert (redirect["channel_definition_id"], embedded["channel_definition_id"]) == (REDIRECT, EMBEDDED)
    assert shown | {"expires"} <= redirect.keys()
    assert shown <= embedded.keys()


async def test_a_user_made_through_the_other_api_is_the_same_user(runtime: Runtime, shop: Client) -> None:
    async with runtime.database.transaction() as tx:
        _, credentials = await applications.create(tx, runtime.vault, "both", redirect_uris=[BACK])
    iswigo = IswigoClient(shop.http, credentials.iswigo_app, credentials.iswigo_secret)
    await iswigo.joined_by(ANA["email"], ANA["password"])
    both = Client(shop.http, credentials.oxlin_client_id, credentials.oxlin_client_secret)
    ana = await both.as_user("")
    assert (await ana.get("/users/me"))["email"] == ANA["email"]
    async with working(runtime):
        assert (await linked(ana, two_ways(EMBEDDED)))["status"] == "SUCCESS"


class TestThePublicClient:
    """`linxo` from PyPI, over a socket."""

    @pytest.fixture(autouse=True)
    def _plain_http(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")

    async def test_it_refreshes_reads_and_synchronises(
        self, runtime: Runtime, ana: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = await ana.tokens(grant_type="password", username=ANA["email"], password=ANA["password"])
        async with working(runtime), served(runtime) as port:
            home = {"api_url": f"http://127.0.0.1:{port}/v2.1", "auth_url": f"http://127.0.0.1:{port}"}
            monkeypatch.setitem(linxo.ENDPOINTS, "sandbox", home)
            peer = linxo.Client("sandbox", ana.client_id, ana.secret, given["refresh_token"], token_updater=lambda _: 0)
            connection = await linked(ana, two_ways(EMBEDDED))
            found = await asyncio.to_thread(_uses, peer, connection["id"])
        assert found["user"]["email"] == ANA["email"]
        assert [each["id"] for each in found["connections"]] == [connection["id"]]
        assert found["queue"].keys() == {"id", "creation_date"}
        assert found["synchronised"] == 204
        assert found["accounts"]
        assert len(found["transactions"]) == 5
        assert set(found["errors"]) == {ResourceNotFoundError, "There is no such resource"}

    async def test_its_errors_are_its_own(self, runtime: Runtime, ana: Client, monkeypatch: pytest.MonkeyPatch) -> None:
        given = await ana.tokens(
            grant_type="password", username=ANA["email"], password=ANA["password"], scope="profile"
        )
        async with served(runtime) as port:
            home = {"api_url": f"http://127.0.0.1:{port}/v2.1", "auth_url": f"http://127.0.0.1:{port}"}
            monkeypatch.setitem(linxo.ENDPOINTS, "sandbox", home)
            peer = linxo.Client("sandbox", ana.client_id, ana.secret, given["refresh_token"], token_updater=lambda _: 0)
            with pytest.raises(InvalidCredentials):
                await asyncio.to_thread(peer.get, "/accounts")
            await ana.delete("/users/me")
            with pytest.raises(AuthentificationFailed):
                await asyncio.to_thread(peer.get, "/users/me")


def _uses(peer: Any, connection_id: str) -> dict[str, Any]:
    """What the client gets to see, the way its documentation says to use it."""
    found: dict[str, Any] = {
        "user": peer.get("/users/me"),
        "connections": peer.get("/connections"),
        "queue": peer.post("/queues"),
        "synchronised": peer.raw_call("POST", f"/connections/{connection_id}/synchronize", {}).status_code,
        "accounts": peer.get("/accounts", status="ACTIVE"),
    }
    account = found["accounts"][-1]["id"]
    found["transactions"] = peer.get("/transactions", account_id=account, page=1, limit=5)
    with pytest.raises(ResourceNotFoundError) as caught:
        peer.get("/accounts/999999")
    return found | {"errors": [type(caught.value), str(caught.value.args[0])]}
