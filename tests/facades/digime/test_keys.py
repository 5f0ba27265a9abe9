"""The server's keys: published, and rotated without breaking what is on its way."""

import asyncio
from dataclasses import replace

import httpx

from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from tests.facades.digime.calling import Consumer


async def key_ids(http: httpx.AsyncClient) -> list[str]:
    return [each["kid"] for each in (await http.get("/v1.6/jwks/oauth")).json()["keys"]]


async def test_keys_are_published_with_all_that_clients_read(http: httpx.AsyncClient) -> None:
    response = await http.get("/v1.6/jwks/oauth")
    (key,) = response.json()["keys"]
    assert set(key) == {"kty", "kid", "use", "alg", "e", "n", "pem"}
    assert (key["kty"], key["use"], key["alg"], key["e"]) == ("RSA", "sig", "PS512", "AQAB")
    assert response.headers["content-type"] == "application/json"


async def test_a_rotated_key_is_published_at_once_and_signs_later(
    runtime: Runtime, http: httpx.AsyncClient, reader: Consumer
) -> None:
    (old,) = await key_ids(http)
    before = await reader.post("/oauth/authorize", **reader.authorize_claims("v" * 43))
    new = await Keyring(runtime.database, runtime.vault).rotate()
    assert set(await key_ids(http)) == {old, new}
    await reader.opened(before)
    signing, _ = await Keyring(runtime.database, runtime.vault).signing()
    assert signing == old
    async with runtime.database.transaction() as tx:
        await tx.execute("UPDATE signing_keys SET retired_at = $1 WHERE id = $2", tx.now, old)
    signing, _ = await Keyring(runtime.database, runtime.vault).signing()
    assert signing == new
    await reader.opened(before)


async def test_two_processes_that_need_the_first_key_make_one(runtime: Runtime) -> None:
    rings = [Keyring(runtime.database, runtime.vault) for _ in range(3)]
    made = await asyncio.gather(*(ring.signing() for ring in rings))
    assert len({key_id for key_id, _ in made}) == 1


async def test_consumers_see_the_server_where_it_says_it_is(reader: Consumer) -> None:
    await replace(reader).authorize()
