"""Pushing: what is encrypted for a postbox becomes a document of its user, and is read back."""

import base64
import json
import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES256
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from afflux.domain.contracts import ContractKind
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import Consumer, letters
from tests.facades.digime.conftest import make_consumer
from tests.facades.digime.opening import metadata_of, opened
from tests.facades.digime.test_oauth import age
from tests.facades.digime.test_sessions import ended, list_of, names, read
from tests.jobs.acting import working

DESCRIPTOR = {
    "mimeType": "text/plain",
    "accounts": [{"accountId": "a-1"}],
    "reference": ["invoice 7"],
    "tags": ["x", "y"],
}
#: Of a form: its name, and file name and content.
Part = tuple[str, tuple[str | None, str]]


class Writer:
    """A write contract with a postbox."""

    def __init__(self, consumer: Consumer, end: dict[str, str]) -> None:
        self.consumer, self.postbox = consumer, end["postboxId"]
        key = load_pem_public_key(end["publicKey"].encode())
        assert end["publicKey"].startswith("-----BEGIN RSA PUBLIC KEY-----")
        assert isinstance(key, RSAPublicKey)
        self.key = key

    async def push(
        self,
        content: bytes,
        descriptor: Any = None,
        name: str = "receipt.txt",
        postbox: str = "",
        before: Sequence[Part] = (),
        after: Sequence[Part] = (),
        **claims: Any,
    ) -> httpx.Response:
        """Push a file as clients do, among other parts of a form."""
        more, ciphertext = sealed(self.key, json.dumps(descriptor or DESCRIPTOR).encode(), content)
        said = {"access_token": self.consumer.access_token, **more, **claims}
        headers = {"authorization": f"Bearer {self.consumer.token(**said)}", "contenttype": "multipart/form-data"}
        path = f"/v1.6/permission-access/postbox/{postbox or self.postbox}"
        file = ("file", (name, ciphertext, "application/octet-stream"))
        files: list[Any] = [*before, file, *after]
        return await self.consumer.http.post(path, headers=headers, files=files)


def sealed(public: RSAPublicKey, descriptor: bytes, content: bytes) -> tuple[dict[str, str], bytes]:
    """A file for a postbox: the claims that say how it is encrypted and what it is, and the file."""
    key, iv = secrets.token_bytes(32), secrets.token_bytes(16)
    wrapped = public.encrypt(key, OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None))
    claims = {
        "iv": iv.hex(),
        "symmetrical_key": base64.b64encode(wrapped).decode(),
        "metadata": base64.b64encode(encrypted(key, iv, descriptor)).decode(),
    }
    return claims, encrypted(key, iv, content)


def encrypted(key: bytes, iv: bytes, data: bytes) -> bytes:
    encryptor, padder = Cipher(AES256(key), CBC(iv)).encryptor(), PKCS7(128).padder()
    return encryptor.update(padder.update(data) + padder.finalize()) + encryptor.finalize()


@pytest.fixture
async def writer(runtime: Runtime, http: httpx.AsyncClient, alice: Tenant) -> Writer:
    consumer = await make_consumer(runtime, http, alice, ContractKind.WRITE)
    begun = await consumer.authorize()
    browser = consumer.browser()
    await browser.open("authorize", begun.code)
    end = await browser.decide("new")
    assert {"success", "code", "state", "postboxId", "publicKey"} <= set(end)
    await consumer.take(await consumer.exchange(begun.verifier, end["code"]))
    return Writer(consumer, end)


@pytest.fixture
async def raw(runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, writer: Writer) -> Consumer:
    """A read-raw contract of the same library."""
    consumer = await make_consumer(runtime, http, alice, ContractKind.READ_RAW)
    await consumer.let_in(access_token=writer.consumer.access_token)
    return consumer


def told(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    said = response.json()
    assert set(said) == {"status", "expires", "session"}
    assert 10**9 < said["expires"] < 2**31
    assert len(said["session"]["key"]) == 32
    return str(said["status"])


async def read_all(runtime: Runtime, raw: Consumer, body: Any = None) -> list[tuple[bytes, dict[str, Any]]]:
    """Every file of a new session, with what is said of it."""
    session = await raw.trigger(body)
    async with working(runtime):
        found = await ended(raw, session)
    assert found["status"]["state"] == "completed"
    answers = [await read(raw, session, name) for name in names(found)]
    return [(opened(raw, each), metadata_of(each)["metadata"]) for each in answers]


async def test_what_is_pushed_is_delivered_and_read_back(runtime: Runtime, writer: Writer, raw: Consumer) -> None:
    assert told(await writer.push(b"thank you")) == "delivered"
    ((content, said),) = await read_all(runtime, raw)
    assert content == b"thank you"
    lowered = {"mimetype": "text/plain", "accounts": [{"accountid": "a-1"}], "reference": ["invoice 7"]}
    application_id, contract_id = writer.consumer.client_id.split("_")
    known = {"created": said["created"], "appid": application_id, "contractid": contract_id}
    assert said == {**lowered, "tags": ["x", "y"], **known}


async def test_what_we_know_ourselves_of_a_file_nobody_else_says(
    runtime: Runtime, writer: Writer, raw: Consumer
) -> None:
    await writer.push(b"x", {**DESCRIPTOR, "created": "never", "contractId": "mine", "weight": 1.5, "Size": {"kB": 2}})
    ((_, said),) = await read_all(runtime, raw)
    assert type(said["created"]) is int
    assert said["contractid"] == writer.consumer.client_id.partition("_")[2]
    assert (said["weight"], said["size"]) == (1.5, {"kb": 2})


async def test_a_text_of_the_same_name_is_not_the_file(runtime: Runtime, writer: Writer, raw: Consumer) -> None:
    text: Part = ("file", (None, "receipt.txt"))
    assert told(await writer.push(b"after", before=[text])) == "delivered"
    assert told(await writer.push(b"before", after=[text])) == "delivered"
    assert [content for content, _ in await read_all(runtime, raw)] == [b"after", b"before"]


async def test_criteria_choose_among_what_was_pushed(runtime: Runtime, writer: Writer, raw: Consumer) -> None:
    await writer.push(b"one", {**DESCRIPTOR, "tags": ["first"]})
    await writer.push(b"two", {**DESCRIPTOR, "accounts": [{"accountId": "a-2", "username": "anna"}]})
    for metadata, expected in (
        ({"tags": ["first", "none"]}, [b"one"]),
        ({"accounts": [{"accountId": "a-2"}]}, [b"two"]),
        ({"accounts": [{"accountId": "a-2", "username": "anna"}]}, [b"two"]),
        ({"accounts": [{"accountId": "a-2", "username": "bert"}, {"accountId": "a-1", "username": "anna"}]}, []),
    ):
        body = {"scope": {"criteria": [{"metadata": metadata}]}}
        assert [content for content, _ in await read_all(runtime, raw, body)] == expected


async def test_without_a_token_a_file_waits_for_a_trigger(runtime: Runtime, writer: Writer, raw: Consumer) -> None:
    assert told(await writer.push(b"later", access_token=None)) == "pending"
    async with runtime.database.transaction() as tx:
        assert await tx.value("SELECT count(*) FROM documents") == 0
    assert [content for content, _ in await read_all(runtime, raw)] == [b"later"]
    assert [content for content, _ in await read_all(runtime, raw)] == [b"later"]


async def test_with_a_token_that_is_over_nothing_is_stored(runtime: Runtime, writer: Writer, raw: Consumer) -> None:
    await age(runtime, "grants", "access_expires_at", timedelta(days=2))
    assert told(await writer.push(b"again please")) == "pending"
    async with runtime.database.transaction() as tx:
        assert await tx.value("SELECT (SELECT count(*) FROM documents) + (SELECT count(*) FROM postbox_items)") == 0
    await writer.consumer.take(await writer.consumer.refresh())
    assert told(await writer.push(b"again please")) == "delivered"


async def test_a_forged_token_is_refused(writer: Writer) -> None:
    await writer.consumer.refused(401, "InvalidToken", await writer.push(b"x", access_token="0" * 160))


async def test_a_postbox_is_its_contracts_only(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, writer: Writer, raw: Consumer
) -> None:
    await writer.consumer.refused(404, "NotFound", await writer.push(b"x", postbox=letters()))
    other = Writer(writer.consumer, {"postboxId": writer.postbox, "publicKey": public(writer)})
    other.consumer = await make_consumer(runtime, http, alice, ContractKind.WRITE)
    await other.consumer.let_in()
    await other.consumer.refused(404, "NotFound", await other.push(b"x"))
    other.consumer = raw
    await raw.refused(400, "InvalidContractDataRequest", await other.push(b"x"))


async def test_a_postbox_with_a_strange_name_is_not_found(writer: Writer) -> None:
    for name in ("%00", "x%00", "%E2%82%AC", "x" * 300):
        await writer.consumer.refused(404, "NotFound", await writer.push(b"x", postbox=name))


async def test_a_postbox_is_its_librarys_only(writer: Writer) -> None:
    hers = writer.consumer.access_token
    await writer.consumer.let_in()
    await writer.consumer.refused(404, "NotFound", await writer.push(b"x"))
    assert told(await writer.push(b"x", access_token=hers)) == "delivered"


def public(writer: Writer) -> str:
    return writer.key.public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode()


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"symmetrical_key": "AAAA"}, "ValidationErrors"),
        ({"symmetrical_key": "no base64!"}, "ValidationErrors"),
        ({"metadata": base64.b64encode(b"x" * 32).decode()}, "ValidationErrors"),
        ({"iv": "00" * 16}, "ValidationErrors"),
        ({"iv": "short"}, "InvalidRequest"),
        ({"iv": None}, "InvalidRequest"),
    ],
)
async def test_what_cannot_be_decrypted_is_refused(writer: Writer, claims: dict[str, Any], code: str) -> None:
    await writer.consumer.refused(400, code, await writer.push(b"x", **claims))


async def test_a_descriptor_has_to_say_what_it_is(writer: Writer) -> None:
    for descriptor in ({"accounts": []}, {"mimeType": "text/plain"}, {"mimeType": "x", "accounts": []}, [1]):
        response = await writer.push(b"x", descriptor)
        await writer.consumer.refused(400, "ValidationErrors", response)


async def test_a_body_without_a_file_is_refused(writer: Writer) -> None:
    token = writer.consumer.token(iv="0" * 32, symmetrical_key="x", metadata="x")
    path = f"/v1.6/permission-access/postbox/{writer.postbox}"
    headers = {"authorization": f"Bearer {token}"}
    response = await writer.consumer.http.post(path, headers=headers, content=b"plain")
    await writer.consumer.refused(400, "ValidationErrors", response)


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; charset=nobody", "text/plain; charset=rot13"])
async def test_a_text_beside_the_file_that_is_no_text_is_refused(writer: Writer, kind: str) -> None:
    said = f'Content-Disposition: form-data; name="file"\r\nContent-Type: {kind}\r\n\r\n'
    body = b"--B\r\n" + said.encode() + b"\xff\r\n--B--"
    claims, _ = sealed(writer.key, json.dumps(DESCRIPTOR).encode(), b"")
    token = writer.consumer.token(access_token=writer.consumer.access_token, **claims)
    headers = {"authorization": f"Bearer {token}", "content-type": "multipart/form-data; boundary=B"}
    path = f"/v1.6/permission-access/postbox/{writer.postbox}"
    response = await writer.consumer.http.post(path, headers=headers, content=body)
    await writer.consumer.refused(400, "ValidationErrors", response)


async def test_too_large_a_file_is_refused(writer: Writer) -> None:
    response = await writer.push(b"x" * (10 * 1024 * 1024 + 1))
    await writer.consumer.refused(413, "ValidationErrors", response)


async def test_a_read_contract_does_not_see_what_was_pushed(
    runtime: Runtime, http: httpx.AsyncClient, alice: Tenant, writer: Writer
) -> None:
    await writer.push(b"x")
    reader = await make_consumer(runtime, http, alice)
    session = await reader.let_in(access_token=writer.consumer.access_token)
    async with working(runtime):
        await ended(reader, session)
    assert names(await list_of(reader, session)) == []
