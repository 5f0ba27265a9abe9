"""Request tokens: signed with PS512 for the contract's key, in time, each once; and how refusals look."""

import asyncio
import base64
import hmac
import json
import time
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc.jwk import OctKey, RSAKey

from afflux.runtime import Runtime, open_runtime
from tests.conftest import ROOT_KEY
from tests.facades.digime.calling import Consumer, letters, spare_key, unpacked
from tests.facades.digime.conftest import over


async def tried(consumer: Consumer, token: str) -> httpx.Response:
    """The answer to a refresh, which gets as far as its token when the request's own is good."""
    return await consumer.send("POST", "/oauth/token", token)


def good(consumer: Consumer, **claims: Any) -> str:
    """A token with which everything is right but the refresh token it names."""
    return consumer.token(**{"grant_type": "refresh_token", "refresh_token": "none", **claims})


async def accepted(consumer: Consumer, token: str) -> None:
    message = await consumer.refused(401, "InvalidToken", await tried(consumer, token))
    assert message == "The token (refresh_token) is invalid"


async def test_a_good_request_gets_through(reader: Consumer) -> None:
    await accepted(reader, good(reader))


@pytest.mark.parametrize("stamp", [lambda: int(time.time()), lambda: int(time.time() * 1000), lambda: time.time()])
async def test_seconds_and_milliseconds_are_both_time(reader: Consumer, stamp: Any) -> None:
    await accepted(reader, good(reader, timestamp=stamp()))


@pytest.mark.parametrize("shift", [-301, 305, -10_000_000])
async def test_a_token_from_another_time_is_refused(reader: Consumer, shift: int) -> None:
    for stamp in (int(time.time()) + shift, (int(time.time()) + shift) * 1000):
        await reader.refused(401, "InvalidJWT", await tried(reader, good(reader, timestamp=stamp)))


async def test_a_nonce_is_good_once(reader: Consumer) -> None:
    token = good(reader)
    await accepted(reader, token)
    message = await reader.refused(400, "InvalidRequest", await tried(reader, token))
    assert "nonce" in message


async def test_another_contract_may_use_the_same_nonce(reader: Consumer, stranger: Consumer) -> None:
    nonce = letters()
    await accepted(reader, good(reader, nonce=nonce))
    await accepted(stranger, good(stranger, nonce=nonce))


async def test_of_many_replays_at_two_processes_one_gets_through(runtime: Runtime, reader: Consumer) -> None:
    async with open_runtime(runtime.settings, runtime.dsn, ROOT_KEY, runtime.registry) as other, over(other) as http:
        consumers = [reader, replace(reader, http=http)] * 5
        token = good(reader)
        answers = await asyncio.gather(*(tried(each, token) for each in consumers))
    codes = sorted(answer.json()["error"]["code"] for answer in answers)
    assert codes == ["InvalidRequest"] * 9 + ["InvalidToken"]


@pytest.mark.parametrize("header", [None, "", "Basic abc", "Bearer", "Bearer "])
async def test_a_request_without_a_token_is_malformed(http: httpx.AsyncClient, reader: Consumer, header: Any) -> None:
    headers = {} if header is None else {"authorization": header}
    await reader.refused(400, "ValidationErrors", await http.post("/v1.6/oauth/token", headers=headers))


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "é.é.é", "e30.e30.", "A" * 17000])
async def test_what_is_no_token_is_refused(reader: Consumer, token: str) -> None:
    response = await reader.send("POST", "/oauth/token", headers={"authorization": f"Bearer {token}".encode()})
    await reader.refused(401, "InvalidJWT", response)


def forged(header: dict[str, Any], claims: dict[str, Any], sign: Any) -> str:
    """A token put together by hand."""
    parts = [base64.urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in (header, claims)]
    text = b".".join(parts)
    return (text + b"." + base64.urlsafe_b64encode(sign(text)).rstrip(b"=")).decode()


async def test_the_public_key_is_no_secret_to_sign_with(reader: Consumer) -> None:
    public = reader.key.public_key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    claims = unpacked(good(reader))
    for name, digest in (("HS512", "sha512"), ("HS256", "sha256"), ("PS512", "sha512")):
        token = forged({"alg": name, "typ": "JWT"}, claims, lambda text, by=digest: hmac.digest(public, text, by))
        await reader.refused(401, "InvalidJWT", await tried(reader, token))


@pytest.mark.parametrize("name", ["none", "None", "NONE", ""])
async def test_no_algorithm_is_none(reader: Consumer, name: str) -> None:
    claims = {"client_id": reader.client_id, "nonce": letters(), "timestamp": int(time.time())}
    token = forged({"alg": name, "typ": "JWT"}, claims, lambda _: b"")
    await reader.refused(401, "InvalidJWT", await tried(reader, token))


@pytest.mark.parametrize("name", ["RS512", "RS256", "PS256", "PS384"])
async def test_another_algorithm_of_the_same_key_is_refused(reader: Consumer, name: str) -> None:
    token = reader.token({"alg": name}, **unpacked(good(reader)))
    await reader.refused(401, "InvalidJWT", await tried(reader, token))


async def test_a_foreign_key_is_refused(reader: Consumer) -> None:
    token = reader.token(key=spare_key(1), grant_type="refresh_token", refresh_token="none")
    await reader.refused(401, "InvalidJWT", await tried(reader, token))


def signed(header: dict[str, Any], claims: dict[str, Any], key: RSAKey) -> str:
    """A token with this very header, signed as it says."""
    padding = PSS(MGF1(SHA512()), 64)
    return forged(header, claims, lambda text: key.private_key.sign(text, padding, SHA512()))


async def test_a_token_signed_by_hand_gets_through(reader: Consumer) -> None:
    token = signed({"alg": "PS512", "typ": "JWT"}, unpacked(good(reader)), reader.key)
    await accepted(reader, token)


@pytest.mark.parametrize("name", ["jku", "jwk", "x5u", "x5c", "crit"])
@pytest.mark.parametrize("number", [0, 1])
async def test_a_token_cannot_bring_its_own_key(reader: Consumer, name: str, number: int) -> None:
    # Neither where the key it brings signed it, nor where the right one did.
    theirs = spare_key(1)
    values = {"jwk": theirs.as_dict(private=False), "x5c": ["MII"], "crit": ["exp"]}
    header = {name: values.get(name, "https://evil.example/keys"), "alg": "PS512", "typ": "JWT"}
    token = signed(header, unpacked(good(reader)), spare_key(number))
    await reader.refused(401, "InvalidJWT", await tried(reader, token))


@pytest.mark.parametrize("salt", [0, 32, 190])
async def test_another_length_of_salt_is_refused(reader: Consumer, salt: int) -> None:
    padding = PSS(MGF1(SHA512()), salt)
    header = {"alg": "PS512", "typ": "JWT"}
    token = forged(header, unpacked(good(reader)), lambda text: reader.key.private_key.sign(text, padding, SHA512()))
    await reader.refused(401, "InvalidJWT", await tried(reader, token))


async def test_a_payload_changed_after_signing_is_refused(reader: Consumer) -> None:
    head, _, signature = good(reader).split(".")
    other = good(reader).split(".")[1]
    await reader.refused(401, "InvalidJWT", await tried(reader, f"{head}.{other}.{signature}"))


async def test_a_refused_signature_uses_no_nonce_up(reader: Consumer) -> None:
    nonce = letters()
    bad = reader.token(key=spare_key(1), grant_type="refresh_token", refresh_token="none", nonce=nonce)
    await reader.refused(401, "InvalidJWT", await tried(reader, bad))
    await accepted(reader, good(reader, nonce=nonce))


@pytest.mark.parametrize("name", ["", "x", "a_b", "shop"])
async def test_an_unknown_client_is_refused(reader: Consumer, name: str) -> None:
    code = "InvalidClient" if name else "InvalidRequest"
    await reader.refused(400, code, await tried(reader, good(reader, client_id=name)))


async def test_a_contract_goes_with_its_own_application_only(reader: Consumer, stranger: Consumer) -> None:
    mixed = f"{reader.client_id.partition('_')[0]}_{stranger.client_id.partition('_')[2]}"
    await reader.refused(400, "InvalidClient", await tried(reader, good(reader, client_id=mixed)))


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "short"},
        {"nonce": "x" * 31 + "-"},
        {"nonce": "x" * 32 + "\n"},
        {"nonce": None},
        {"timestamp": None},
        {"timestamp": "1700000000"},
        {"timestamp": True},
        {"client_id": None},
        {"client_id": 7},
        {"grant_type": None},
        {"refresh_token": None},
        {"redirect_uri": 7},
    ],
)
async def test_claims_have_to_be_there_and_of_their_types(reader: Consumer, claims: dict[str, Any]) -> None:
    await reader.refused(400, "InvalidRequest", await tried(reader, good(reader, **claims)))


async def test_claims_nobody_knows_are_ignored(reader: Consumer) -> None:
    await accepted(reader, good(reader, iat=1, foo={"bar": []}))


async def test_another_address_to_return_to_is_refused(reader: Consumer) -> None:
    for uri in ("https://app.example/back", "https://app.example/back?tenant=1&more=1", "https://evil.example/"):
        message = await reader.refused(400, "InvalidRedirectUri", await tried(reader, good(reader, redirect_uri=uri)))
        assert uri in message


async def test_a_message_is_one_line_that_a_header_can_say(reader: Consumer) -> None:
    response = await tried(reader, good(reader, redirect_uri="https://evil.example/é\r\nSet-Cookie: x=1" + "x" * 400))
    message = await reader.refused(400, "InvalidRedirectUri", response)
    assert message.isascii()
    assert message.isprintable()
    assert "set-cookie" not in response.headers


async def test_of_several_faults_the_first_is_told(reader: Consumer) -> None:
    used = letters()
    await accepted(reader, good(reader, nonce=used))
    nobody, elsewhere, late = {"client_id": "A_B"}, {"redirect_uri": "https://evil.example/"}, {"timestamp": 1}
    faults: list[tuple[int, str, str]] = [
        (401, "InvalidJWT", good(reader, nonce="short", **nobody).replace(".", "..", 1)),
        (401, "InvalidJWT", reader.token({"alg": "RS512"}, nonce="short", **nobody)),
        (400, "InvalidRequest", good(reader, nonce="short", **nobody)),
        (400, "InvalidClient", good(reader, key=spare_key(1), **nobody, **late)),
        (401, "InvalidJWT", good(reader, key=spare_key(1), nonce=used, **elsewhere)),
        (401, "InvalidJWT", good(reader, nonce=used, **late, **elsewhere)),
        (400, "InvalidRequest", good(reader, nonce=used, **elsewhere)),
        (400, "InvalidRedirectUri", good(reader, **elsewhere)),
    ]
    for status, code, token in faults:
        await reader.refused(status, code, await tried(reader, token))


@pytest.mark.parametrize(
    "accept", ["application/json", "*/*", "text/html, application/*;q=0.1", "application/octet-stream", ""]
)
async def test_a_client_may_take_json_in_many_words(reader: Consumer, accept: str) -> None:
    assert (await reader.send("GET", "/jwks/oauth", headers={"accept": accept})).status_code == 200


async def test_a_client_that_takes_no_json_is_told_so(reader: Consumer) -> None:
    for accept in ("text/html", "application/xml, image/*"):
        response = await reader.send("GET", "/jwks/oauth", headers={"accept": accept})
        await reader.refused(406, "ValidationErrors", response)


async def test_the_address_may_be_left_out_where_nobody_is_sent_there(reader: Consumer) -> None:
    await accepted(reader, good(reader, redirect_uri=None))
    claims = reader.authorize_claims("v" * 43, redirect_uri=None)
    await reader.refused(400, "InvalidRequest", await reader.post("/oauth/authorize", **claims))


async def test_what_we_do_not_know_is_not_found_in_the_same_words(http: httpx.AsyncClient, reader: Consumer) -> None:
    for path in ("/v1.6/nowhere", "/v1.6", "/v1.6/oauth"):
        await reader.refused(404, "NotFound", await http.get(path))
    await reader.refused(405, "MethodNotAllowed", await http.get("/v1.6/oauth/token"))


async def test_an_answer_that_asks_to_try_again_uses_no_nonce_up(runtime: Runtime, reader: Consumer) -> None:
    token = good(reader)
    async with runtime.database.transaction() as tx:
        await tx.execute("ALTER TABLE grants RENAME TO lost_grants")
    await reader.refused(500, "InternalServerError", await tried(reader, token))
    async with runtime.database.transaction() as tx:
        await tx.execute("ALTER TABLE lost_grants RENAME TO grants")
    await accepted(reader, token)


async def test_hmac_with_a_key_object_is_refused_too(reader: Consumer) -> None:
    secret = OctKey.import_key("x" * 64)
    token = reader.token({"alg": "HS512"}, key=secret, grant_type="refresh_token", refresh_token="none")
    await reader.refused(401, "InvalidJWT", await tried(reader, token))
