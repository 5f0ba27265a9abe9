"""Access tokens, item by item of the contract's checklist (1 and 2)."""

import base64
import hmac
import json
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import RSAKey

from afflux.domain.applications import Facade
from afflux.domain.clock import Clock
from afflux.domain.errors import Conflict, InvalidInput
from afflux.runtime import Runtime
from afflux.services import issuers
from afflux.store import applications as store
from tests.facades.d1.calling import BANK, GRANT_TYPE, TOKEN, Backend, new_key
from tests.facades.d1.conftest import over

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("form", [True, False])
async def test_an_assertion_is_exchanged_for_a_token(bank: Backend, form: bool) -> None:
    members = {"grant_type": GRANT_TYPE, "assertion": bank.assertion()}
    if form:
        response = await bank.http.post(TOKEN, content=urlencode(members), headers=FORM)
    else:
        response = await bank.http.post(TOKEN, json=members)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    token = response.json()
    assert token.keys() == {"access_token", "expires_in", "scope", "token_type"}
    assert (token["expires_in"], token["token_type"]) == (900, "Bearer")
    assert token["scope"] == "d1-api:account:full d1-api:card:full d1-api:consumer:full"
    claims = json.loads(base64.urlsafe_b64decode(token["access_token"].split(".")[1] + "=="))
    assert claims["sub"] == bank.issuer
    assert claims["exp"] - claims["iat"] == 900


async def test_an_assertion_may_come_twice_until_it_ends(bank: Backend) -> None:
    assertion = bank.assertion()
    assert [(await bank.ask(assertion)).status_code for _ in range(2)] == [200, 200]


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "NOBODY_000"},
        {"iss": None},
        {"sub": "RIVAL_0002"},
        {"sub": None},
        {"exp": None},
        {"exp": True},
        {"exp": 1e400},
        {"iss": 12, "sub": 12},
        {"iss": "a\0b", "sub": "a\0b"},
        {"aud": "https://elsewhere.example"},
        {"aud": []},
        {"aud": None, "iss": ["BANKONE-01"]},
    ],
    ids=str,
)
async def test_claims_that_are_not_right_are_refused(bank: Backend, claims: dict[str, object]) -> None:
    await refused(bank, bank.assertion(**claims))


async def test_an_assertion_ends_within_a_quarter_of_an_hour(bank: Backend) -> None:
    now = int(time.time())
    for ends in (now - 5, now + 15 * 60 + 90, str(now + 600)):
        await refused(bank, bank.assertion(exp=ends))
    for ends in (now + 5, now + 15 * 60 + 30, now + 600.5):
        assert (await bank.ask(bank.assertion(exp=ends))).status_code == 200


@pytest.mark.parametrize(
    "header",
    [{"kid": "key-2"}, {"kid": None}, {"kid": 7}, {"typ": "JOSE"}, {"jku": "https://a.example"}, {"x5c": ["x"]}],
    ids=str,
)
async def test_headers_that_are_not_right_are_refused(bank: Backend, header: dict[str, object]) -> None:
    await refused(bank, signed_by_hand(bank, header))


def signed_by_hand(bank: Backend, header: dict[str, object]) -> str:
    """What no library would sign."""
    good = bank.assertion()
    head = {"alg": "ES256", "typ": "JWT", "kid": bank.kid} | header
    kept = {name: value for name, value in head.items() if value is not None}
    signing = f"{coded(json.dumps(kept).encode())}.{good.split('.')[1]}"
    private = bank.key.private_key
    r, s = decode_dss_signature(private.sign(signing.encode(), ECDSA(SHA256())))
    raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    return f"{signing}.{coded(raw)}"


def coded(raw: bytes) -> str:
    """The bytes as a JWT writes them."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


async def test_what_is_signed_by_hand_is_good_where_its_header_is(bank: Backend) -> None:
    assert (await bank.ask(signed_by_hand(bank, {}))).status_code == 200


async def test_other_keys_and_algorithms_are_refused(bank: Backend) -> None:
    public = bank.key.as_pem(private=False)
    await refused(bank, bank.assertion(key=new_key()))
    await refused(bank, bank.assertion({"alg": "RS256"}, RSAKey.generate_key(2048)))
    head, body, _ = bank.assertion().split(".")
    none, symmetric = (coded(f'{{"alg":"{alg}","typ":"JWT","kid":"key-1"}}'.encode()) for alg in ("none", "HS256"))
    await refused(bank, f"{none}.{body}.")
    signature = hmac.digest(public, f"{symmetric}.{body}".encode(), "sha256")
    await refused(bank, f"{symmetric}.{body}.{coded(signature)}")
    await refused(bank, f"{head}.{body}.{'A' * 86}")
    for broken in ("x", "a.b.c", "...", "é.é.é", "a" * 20_000, f"{head}..x"):
        await refused(bank, broken)


async def refused(bank: Backend, assertion: str) -> None:
    response = await bank.ask(assertion)
    assert (response.status_code, response.json()) == (400, {"error": "invalid_grant"})


async def test_a_request_that_is_not_right_says_how(bank: Backend) -> None:
    for members, error in (
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": "authorization_code"}, "unsupported_grant_type"),
        ({"assertion": ""}, "invalid_request"),
        ({"assertion": 7}, "invalid_request"),
    ):
        body = {"grant_type": GRANT_TYPE, "assertion": bank.assertion()} | members
        response = await bank.http.post(TOKEN, json=body)
        assert (response.status_code, response.json()) == (400, {"error": error}), members
    for content, type in ((b"<x/>", "text/xml"), (b"[]", "application/json"), (b"", "application/json"), (b"x", "")):
        response = await bank.http.post(TOKEN, content=content, headers={"Content-Type": type} if type else {})
        assert response.status_code == 400, (content, type)
        assert response.json().keys() == {"error"}


async def test_an_audience_has_to_be_us(runtime: Runtime, bank: Backend) -> None:
    named = replace(runtime, settings=replace(runtime.settings, d1_audience="https://api.d1.example, other"))
    async with over(named) as http:
        here = replace(bank, http=http)
        for audience in (
            "https://api.d1.example",
            ["x", "other"],
            runtime.settings.public_url,
            "http://127.0.0.1:8080/",
        ):
            assert (await here.ask(here.assertion(aud=audience))).status_code == 200, audience
        await refused(here, here.assertion(aud="https://api.d2.example"))


async def test_a_token_is_good_for_a_quarter_of_an_hour(runtime: Runtime, bank: Backend) -> None:
    for seconds, status in ((880, 200), (905, 401)):
        later = replace(runtime, clock=Clock(timedelta(seconds=seconds)))
        async with over(later) as http:
            response = await replace(bank, http=http).send("GET", bank.path("anna", "/operations"))
            assert response.status_code == status


async def test_an_issuer_may_have_several_keys(runtime: Runtime, bank: Backend, rival: Backend) -> None:
    second = replace(bank, key=new_key(), kid="key-2")
    async with runtime.database.transaction() as tx:
        application = await store.by_name(tx, "bank")
        await issuers.register(tx, application, BANK, second.kid, second.key.as_pem(private=False))
        with pytest.raises(Conflict):
            await issuers.register(tx, application, rival.issuer, "key", second.key.as_pem(private=False))
        for issuer, pem in ((BANK[1:], second.key.as_pem(private=False)), (BANK, b"nonsense"), (BANK, RSA_PEM)):
            with pytest.raises(InvalidInput):
                await issuers.register(tx, application, issuer, "key", pem)
    for backend in (bank, second):
        assert (await backend.ask()).status_code == 200
    await refused(second, second.assertion({"kid": "key-1"}))


RSA_PEM = RSAKey.generate_key(2048).as_pem(private=False)


async def test_a_token_may_have_less_scope(runtime: Runtime, bank: Backend) -> None:
    await scoped(runtime, bank, "d1-api:consumer:read")
    reader = await bank.signed_in()
    assert (await reader.send("GET", bank.path("anna", "/operations"))).status_code == 200
    for method, rest in (("POST", "/operations:delete"), ("PUT", ""), ("PUT", "/cards")):
        await reader.refused(403, "Forbidden", method, bank.path("anna", rest))
    await scoped(runtime, bank, "d1-api:card:full")
    await (await bank.signed_in()).refused(403, "Forbidden", "GET", bank.path("anna", "/operations"))


async def scoped(runtime: Runtime, bank: Backend, scope: str) -> None:
    """Register the issuer with less than everything."""
    async with runtime.database.transaction() as tx:
        known = await store.registration(tx, Facade.D1, bank.issuer)
        assert known is not None
        await store.set_settings(tx, known, {**known.settings, "scope": scope})


async def test_nobody_is_served_without_a_token_of_his_own(bank: Backend, rival: Backend) -> None:
    key = RSAKey.generate_key(2048)
    forged = jwt.encode({"alg": "RS256", "kid": "x"}, {"sub": bank.issuer}, key, algorithms=["RS256"])
    for token in (None, "x", forged, (bank.token or "")[:-2], bank.assertion()):
        caller = replace(bank, token=token)
        for method, rest in (("POST", "/operations:delete"), ("GET", "/operations"), ("GET", "/operations/x")):
            response = await caller.send(method, bank.path("anna", rest))
            assert (response.status_code, response.json()) == (401, {"error": "Unauthorized"})
            assert response.headers["www-authenticate"] == "Bearer"
            foreign = await rival.send(method, bank.path("anna", rest))
            assert (foreign.status_code, foreign.json()) == (403, {"error": "Forbidden"})
