"""What the vendor's clients send and insist on, beyond the life of a library (contract: sections 3.0, 6.3 to 6.5)."""

import base64
import hashlib
import json
from typing import Any

import httpx
import pytest
from Crypto.Hash import SHA512
from Crypto.PublicKey import RSA
from Crypto.Signature import pss

from afflux.app import create_app
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import Consumer, letters
from tests.facades.digime.published import Published, at_home, make_published
from tests.facades.digime.test_postbox import Writer, writer  # noqa: F401
from tests.facades.digime.test_sessions import alices, known, list_of, names, read  # noqa: F401
from tests.services.shelves import document, shelf_for

#: How clients send what has no body: with a type and without, with a length and without.
EMPTY: list[dict[str, str]] = [
    {"content-type": "application/json", "content-length": "0"},
    {"content-type": "application/json"},
    {"content-length": "0"},
    {},
]


async def bare(consumer: Consumer, method: str, path: str, headers: dict[str, str], **claims: Any) -> httpx.Response:
    """A signed request with these headers only, and no body."""
    sent = {"authorization": f"Bearer {consumer.token(**claims)}", **headers}
    request = httpx.Request(method, f"{consumer.http.base_url}/v1.6{path}", headers=sent)
    return await consumer.http.send(request)


@pytest.mark.parametrize("headers", EMPTY)
async def test_no_body_is_no_mistake_whatever_type_it_has(reader: Consumer, headers: dict[str, str]) -> None:
    begun = await bare(reader, "POST", "/oauth/authorize", headers, **reader.authorize_claims("v" * 43))
    await reader.opened(begun)
    await reader.let_in()
    refreshed = await bare(
        reader, "POST", "/oauth/token", headers, grant_type="refresh_token", refresh_token=reader.refresh_token
    )
    await reader.take(refreshed)
    held = {"access_token": reader.access_token}
    await reader.opened(await bare(reader, "POST", "/oauth/token/reference", headers, **held))
    assert (await bare(reader, "POST", "/permission-access/trigger", headers, **held)).status_code == 202
    assert (await bare(reader, "DELETE", "/user", headers, **held)).status_code == 204


async def test_header_names_and_the_scheme_are_the_same_in_any_case(runtime: Runtime, alice: Tenant) -> None:
    async with at_home(runtime) as http:
        consumer = await make_published(runtime, http, alice)
        contract_id = consumer.client_id.partition("_")[2]
        for change in (str.lower, str.upper, str.title):
            token = consumer.signed(grant_type="refresh_token", refresh_token="none")
            headers = {change("authorization"): f"{change('bearer')} {token}", change("accept"): "application/json"}
            response = await http.post("/v1.6/oauth/token", headers=headers)
            assert response.json()["error"]["code"] == "InvalidToken"
            for given, status in ((contract_id, 200), (letters(), 404)):
                listed = await http.get("/v1.6/discovery/services", headers={change("contractid"): given})
                assert listed.status_code == status


async def test_what_else_an_address_says_is_ignored(reader: Consumer) -> None:
    await reader.let_in()
    path = "/permission-access/trigger?schemaVersion=5.0.0&prefetch=false"
    assert (await reader.post(path, access_token=reader.access_token)).status_code == 202


async def test_a_token_beside_a_session_key_does_no_harm(reader: Consumer) -> None:
    session = await reader.let_in()
    for path in (
        f"/permission-access/query/{session['key']}",
        f"/permission-access/query/{session['key']}/accounts.json",
    ):
        assert (await reader.send("GET", path, reader.token())).status_code == 200


async def test_a_deletion_that_failed_is_tried_again_with_the_same_token(runtime: Runtime, reader: Consumer) -> None:
    await reader.let_in()
    token = reader.token(access_token=reader.access_token)
    async with runtime.database.transaction() as tx:
        await tx.execute("ALTER TABLE operations RENAME TO lost_operations")
    for _ in range(2):
        await reader.refused(500, "InternalServerError", await reader.send("DELETE", "/user", token))
    async with runtime.database.transaction() as tx:
        await tx.execute("ALTER TABLE lost_operations RENAME TO operations")
    assert (await reader.send("DELETE", "/user", token)).status_code == 204
    refused = await reader.send("DELETE", "/user", token)
    assert "nonce" in await reader.refused(400, "InvalidRequest", refused)


async def test_our_signature_has_a_salt_of_64_bytes(reader: Consumer) -> None:
    response = await reader.post("/oauth/authorize", **reader.authorize_claims("v" * 43))
    text, _, signature = response.json()["token"].rpartition(".")
    (key,) = (await reader.send("GET", "/jwks/oauth")).json()["keys"]
    verifier = pss.new(RSA.import_key(key["pem"]), salt_bytes=64)
    verifier.verify(SHA512.new(text.encode()), base64.urlsafe_b64decode(signature + "=="))
    assert set(json.loads(base64.urlsafe_b64decode(text.partition(".")[2] + "=="))) == {"preauthorization_code"}


async def test_an_encrypted_file_has_the_size_that_clients_expect(
    runtime: Runtime,
    known: Tenant,  # noqa: F811
    reader: Consumer,
) -> None:
    contents = {length: hashlib.shake_128(b"%d" % length).digest(length) for length in (0, 1, 15, 16, 17, 70_000)}
    shelf = await shelf_for(runtime, known)
    await shelf.documents([document(str(length), content=content) for length, content in contents.items()])
    session = await alices(runtime, reader, known)
    opener = Published(reader.http, reader.client_id, reader.key.as_pem(private=True).decode())
    sizes = {}
    for name in names(await list_of(reader, session)):
        response = await read(reader, session, name)
        data = opener.decrypted(response.content)
        assert data == contents[len(data)]
        sizes[len(data)] = len(response.content)
    assert sizes == {length: 272 + 64 + (length // 16 + 1) * 16 for length in contents}
    assert sizes[0] == 352


async def test_a_service_has_what_the_sdk_insists_on(reader: Consumer) -> None:
    response = await reader.send("GET", "/discovery/services")
    said = response.json()["data"]
    for each in (*said["countries"], *said["serviceGroups"], *said["services"]):
        assert type(each["id"]) is int
        assert isinstance(each["name"], str)
    assert all(isinstance(each["code"], str) for each in said["countries"])
    groups = {each["id"] for each in said["serviceGroups"]}
    assert all({group["id"] for group in each["serviceGroups"]} <= groups for each in said["services"])


async def test_androids_client_finds_the_services_under_the_path_before(runtime: Runtime) -> None:
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
        older, newer = [await http.get(f"/v1.{minor}/discovery/services") for minor in (5, 6)]
        assert older.status_code == 200
        assert older.json() == newer.json()
        other = await http.get("/v1.5/jwks/oauth")
        assert (other.status_code, other.headers["x-error-code"]) == (404, "NotFound")


async def test_a_token_is_looked_at_before_the_postbox(writer: Writer) -> None:  # noqa: F811
    """So that a client whose library is gone learns that, and not that its postbox is."""
    response = await writer.push(b"x", postbox=letters(), access_token="0" * 160)
    await writer.consumer.refused(401, "InvalidToken", response)
