"""Who is let in: the signature of an application, then the token of a user, then the right, then the request itself."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from afflux.domain.applications import Facade
from afflux.facades.iswigo.errors import BAD_SIGNATURE, BAD_TOKEN
from afflux.facades.iswigo.signature import is_signed, signature
from afflux.runtime import Runtime
from afflux.services import tokens
from afflux.services.keyring import Keyring
from tests.facades.iswigo import calling
from tests.facades.iswigo.calling import HECTOR, Client
from tests.facades.iswigo.conftest import make_client
from tests.serving import served
from tests.web.speaking import Response, Speaker, connected

SECRET = b"k3y-for-tests-only"
#: Contract section 3.1.
VECTORS = [
    ("GET", "/v1/users", "", "6c3c33f75371b9cac0eb1d961e71cdcb79d84df1390e896a7ca540eff6bea2e4"),
    ("GET", "/v1/providers?range=20-39", "", "156835b0dd5d969815179211b19c91dcb1fb753b94c702b7d56eb68574c9fb97"),
    (
        "GET",
        "/v1/documents?range=0-19&filters[type]=invoice",
        "",
        "d1b0ad629a566e8ae47ec8bdc9935741d6c6142ac0c78115ced112a1159571dc",
    ),
    (
        "GET",
        "/v1/documents?range=0-19&filters%5Btype%5D=invoice",
        "",
        "818bc7a060812abe54875fed414ee49d9d3d631ba66568fedad57b9d984d9342",
    ),
    (
        "POST",
        "/v1/authenticate",
        '{"email":"ada@example.org","password":"Pa55!word"}',
        "05aa94bc60c8204321df75b226959d797e388874744f5c258a3377e4dc371e4f",
    ),
    (
        "PUT",
        "/v1/profile",
        '{"email":"zoé@example.org"}',
        "30e99e4e2d90235391d947d5633d94b433625332ebac9832cf638c5c6a26b2c3",
    ),
    (
        "DELETE",
        "/v1/connections/0b9f0f3e-5a0c-4a53-9d38-2f2c7a1f6a11",
        "",
        "ebf8b53a58f8194f976e630398e45ab1e8f592d13d35dd02f9c24562de8f0f34",
    ),
]


@pytest.mark.parametrize(("method", "target", "body", "digest"), VECTORS, ids=lambda each: str(each)[:30])
def test_the_signatures_of_the_contract(method: str, target: str, body: str, digest: str) -> None:
    wanted = f"$5${digest}".encode()
    assert signature(SECRET, method, target.encode(), body.encode()) == wanted
    assert is_signed(wanted, SECRET, method, target.encode(), body.encode())


@pytest.mark.parametrize(("method", "target", "body", "digest"), VECTORS, ids=lambda each: str(each)[:30])
def test_no_byte_can_be_another(method: str, target: str, body: str, digest: str) -> None:
    given = f"$5${digest}".encode()
    for at in range(len(given)):
        assert not is_signed(_flipped(given, at), SECRET, method, target.encode(), body.encode())
    for at in range(len(target)):
        assert not is_signed(given, SECRET, method, _flipped(target.encode(), at), body.encode())
    for at in range(len(body.encode())):
        assert not is_signed(given, SECRET, method, target.encode(), _flipped(body.encode(), at))
    for at in range(len(SECRET)):
        assert not is_signed(given, _flipped(SECRET, at), method, target.encode(), body.encode())
    assert not is_signed(given, SECRET, "PATCH", target.encode(), body.encode())


def _flipped(text: bytes, at: int) -> bytes:
    return text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]


def _digest(text: bytes) -> str:
    return "$5$" + hashlib.sha256(text).hexdigest()


FORGED: dict[str, Callable[[bytes], str]] = {
    "no prefix": lambda secret: _digest(secret + b"+get+/v1/users+")[3:],
    "another prefix": lambda secret: _digest(secret + b"+get+/v1/users+").replace("$5$", "$6$"),
    "large letters": lambda secret: "$5$" + _digest(secret + b"+get+/v1/users+")[3:].upper(),
    "without the last plus": lambda secret: _digest(secret + b"+get+/v1/users"),
    "method in large letters": lambda secret: _digest(secret + b"+GET+/v1/users+"),
    "with the host": lambda secret: _digest(secret + b"+get+http://127.0.0.1:8080/v1/users+"),
    "path without /v1": lambda secret: _digest(secret + b"+get+/users+"),
    "HMAC": lambda secret: "$5$" + hmac.new(secret, b"get+/v1/users+", "sha256").hexdigest(),
    "HMAC of everything": lambda secret: "$5$" + hmac.new(secret, secret + b"+get+/v1/users+", "sha256").hexdigest(),
    "SHA-512": lambda secret: "$5$" + hashlib.sha512(secret + b"+get+/v1/users+").hexdigest(),
    "no secret": lambda _: _digest(b"+get+/v1/users+"),
    "a placeholder for a secret": lambda _: _digest(b"-+get+/v1/users+"),
    "more behind": lambda secret: _digest(secret + b"+get+/v1/users+") + "0",
    "less": lambda secret: _digest(secret + b"+get+/v1/users+")[:-1],
    "twice in one": lambda secret: ", ".join([_digest(secret + b"+get+/v1/users+")] * 2),
    "nothing": lambda _: "",
    "only the prefix": lambda _: "$5$",
    "letters beyond ASCII": lambda _: "$5$\xe9\xff",
}


async def test_a_signature_that_is_nearly_right_is_wrong(shop: Client) -> None:
    secret = shop.secret.encode()
    assert (await _asks(shop, _digest(secret + b"+get+/v1/users+"))).status_code == 200
    for name, forge in FORGED.items():
        answer = await _asks(shop, forge(secret))
        assert (answer.status_code, name) == (401, name)
        assert answer.json() == {"error": {"code": 401, "description": BAD_SIGNATURE}}


async def _asks(shop: Client, given: str) -> httpx.Response:
    headers = {"X-Iswigo-App": shop.app.encode(), "X-Iswigo-Signature": given.encode("latin-1")}
    return await shop.http.get("/v1/users", headers=headers)


async def test_an_unknown_application_is_answered_like_a_wrong_secret(shop: Client) -> None:
    strangers = [
        replace(shop, secret="wrong"),
        replace(shop, app="nobody"),
        replace(shop, app="nobody", secret="-"),
        replace(shop, app=""),
        replace(shop, app=shop.app.upper() + " "),
        replace(shop, app="' OR 1=1 --"),
        replace(shop, app="x" * 10_000),
    ]
    answers = [await each.send("GET", "/v1/users") for each in strangers]
    assert {each.status_code for each in answers} == {401}
    assert len({(each.content, str(each.headers)) for each in answers}) == 1


async def test_each_header_has_to_be_there_once(shop: Client) -> None:
    name = ("X-Iswigo-App", shop.app)
    proof = ("X-Iswigo-Signature", calling.signature(shop.secret, "GET", "/v1/users", b""))
    for headers in ([], [name], [proof], [name, name, proof], [name, proof, proof], [name, proof, (proof[0], "x")]):
        assert (await shop.http.get("/v1/users", headers=headers)).status_code == 401
    assert (await shop.http.get("/v1/users", headers=[name, proof])).status_code == 200


async def test_the_signature_of_one_request_is_not_good_for_another(shop: Client, kiosk: Client) -> None:
    listing = calling.signature(shop.secret, "GET", "/v1/users", b"")
    for client, method, target, body in (
        (shop, "GET", "/v1/providers", None),
        (shop, "GET", "/v1/users?range=0-99", None),
        (shop, "POST", "/v1/users", None),
        (shop, "GET", "/v1/users", b"{}"),
        (kiosk, "GET", "/v1/users", None),
    ):
        assert (await client.send(method, target, body, X_Iswigo_Signature=listing)).status_code == 401


async def test_a_replay_is_a_request_like_any_other(shop: Client) -> None:
    first = await shop.send("POST", "/v1/users", HECTOR)
    again = await shop.send("POST", "/v1/users", HECTOR)
    assert first.content == again.content
    assert len(await shop.get("/v1/users")) == 1


async def test_a_new_application_is_known_at_once(runtime: Runtime, http: httpx.AsyncClient) -> None:
    before = await Client(http, "bakery", "too early").send("GET", "/v1/users")
    assert before.status_code == 401
    assert await (await make_client(runtime, http, "bakery")).get("/v1/users") == []


# On a socket: what is signed is what was sent.


async def _says(speaker: Speaker, shop: Client, signed: str, sent: str, body: bytes = b"") -> Response:
    proof = calling.signature(shop.secret, "GET" if not body else "POST", signed, body)
    method = "POST" if body else "GET"
    typed = "Content-Type: application/json\r\n" if body else ""
    head = (
        f"{method} {sent} HTTP/1.1\r\nHost: a\r\nX-Iswigo-App: {shop.app}\r\nX-Iswigo-Signature: {proof}\r\n"
        f"{typed}Content-Length: {len(body)}\r\n\r\n"
    )
    await speaker.say(head.encode() + body)
    return await speaker.hear()


async def test_the_target_is_signed_as_it_is_sent(runtime: Runtime, shop: Client) -> None:
    right = [
        ("/v1/providers?filters[type]=bank", "/v1/providers?filters[type]=bank"),
        ("/v1/providers?filters[type]=bank", "/v1/providers?filters%5Btype%5D=bank"),
        ("/v1/providers?filters[type]=bank", "/v1/providers?filters%5btype%5d=bank"),
        ("/v1/providers?filters%5Btype%5D=bank", "/v1/providers?filters[type]=bank"),
        ("/v1/providers?filters%5Btype%5D=bank", "/v1/providers?filters%5Btype%5D=bank"),
        ("/v1/%75sers", "/v1/%75sers"),
        ("/v1/users?", "/v1/users?"),
        ("/v1/users", "/v1/users?"),
        ("/v1/users?x=a+b%20c", "/v1/users?x=a+b%20c"),
        ("/v1/users?x=zo%C3%A9", "/v1/users?x=zo%C3%A9"),
        ("/v1/users?b=1&a=2&&", "/v1/users?b=1&a=2&&"),
        ("/v1/users", f"http://{'a'}/v1/users"),
    ]
    wrong = [
        ("/v1/users", "/v1/%75sers"),
        ("/v1/users?", "/v1/users"),
        ("/v1/users?x=a%20b", "/v1/users?x=a+b"),
        ("/v1/users?x=zo\xe9", "/v1/users?x=zo%C3%A9"),
        ("/v1/users?x=%c3%a9", "/v1/users?x=%C3%A9"),
        ("/v1/users?a=2&b=1", "/v1/users?b=1&a=2"),
        ("/v1/users", "/v1/users?a"),
    ]
    async with served(runtime) as port, connected(port) as speaker:
        for signed, sent in right:
            answer = await _says(speaker, shop, signed, sent)
            assert (answer.status_line, sent) == ("HTTP/1.1 200 OK", sent)
        for signed, sent in wrong:
            answer = await _says(speaker, shop, signed, sent)
            assert (answer.status_line, sent) == (f"HTTP/1.1 401 {BAD_SIGNATURE}", sent)


async def test_the_text_of_an_error_is_also_its_reason_phrase(runtime: Runtime, shop: Client) -> None:
    async with served(runtime) as port, connected(port) as speaker:
        for target, body in (("/v1/users", b"{"), ("/v1/users", b'{"email":3}'), ("/v1/authenticate", b"{}")):
            answer = await _says(speaker, shop, target, target, body)
            description = answer.json["error"]["description"]
            assert answer.status_line == f"HTTP/1.1 400 {description}"
        created = await _says(speaker, shop, "/v1/users", "/v1/users", json.dumps(HECTOR).encode())
        assert created.status_line == "HTTP/1.1 201 Created"
        again = await _says(speaker, shop, "/v1/users", "/v1/users", json.dumps(HECTOR).encode())
        assert again.status_line == "HTTP/1.1 409 Conflict"
        body = '{"email":"zoé@example.org","password":"ключ"}'.encode()
        assert (await _says(speaker, shop, "/v1/users", "/v1/users", body)).status == 201


# The order of the checks: each pair of faults at once shows the earlier one.

UNTOLD = "Not Found"
MISSING = "/v1/connections/0b9f0f3e-5a0c-4a53-9d38-2f2c7a1f6a11"


async def test_a_wrong_signature_comes_before_everything(hector: Client) -> None:
    forger = replace(hector, secret="wrong", token="rubbish")
    for method, target, body in (
        ("PUT", MISSING, b"{"),
        ("GET", "/v1/nothing", None),
        ("PATCH", "/v1/users", None),
        ("GET", "/v1/profile", b"{}"),
        ("GET", "/v1//users/", None),
    ):
        await forger.refused(401, BAD_SIGNATURE, method, target, body)


async def test_a_wrong_token_comes_before_the_right_to_call(kiosk: Client) -> None:
    stranger = replace(kiosk, token="rubbish")
    await stranger.refused(401, BAD_TOKEN, "POST", "/v1/connections", b"{")
    await stranger.refused(401, BAD_TOKEN, "PUT", MISSING, b"{")
    await stranger.refused(401, BAD_TOKEN, "GET", "/v1/profile", b"{}")


async def test_the_right_to_call_comes_before_the_body(kiosk: Client) -> None:
    member = await kiosk.joined_by()
    await member.refused(403, "Forbidden", "POST", "/v1/connections", b"{")
    await member.refused(403, "Forbidden", "PUT", MISSING, b"{")
    answer = await member.send("PUT", MISSING, b"{}", Content_Type="text/plain")
    assert answer.status_code == 403


async def test_the_body_comes_before_what_it_is_for(hector: Client) -> None:
    await hector.refused(400, "Malformed JSON", "PUT", MISSING, b"{")
    answer = await hector.send("PUT", MISSING, b"{}", Content_Type="text/plain")
    assert answer.status_code == 415
    await hector.refused(404, UNTOLD, "PUT", MISSING, b"{}")


# Tokens.


async def _as(hector: Client, value: str | None) -> int:
    return (await replace(hector, token=None).send("GET", "/v1/profile", Authorization=value)).status_code


async def test_only_a_bearer_token_is_one(hector: Client) -> None:
    token = hector.token
    for value in (f"Bearer {token}", f"bearer {token}", f"BEARER  {token}"):
        assert await _as(hector, value) == 200
    for value in (None, "", "Bearer", "Bearer ", token, f"Basic {token}", f"Bearer {token} x", f"Bearer x {token}"):
        assert await _as(hector, value) == 401


async def test_two_authorizations_are_none(hector: Client) -> None:
    proof = calling.signature(hector.secret, "GET", "/v1/profile", b"")
    signed = [("X-Iswigo-App", hector.app), ("X-Iswigo-Signature", proof)]
    bearer = ("Authorization", f"Bearer {hector.token}")
    assert (await hector.http.get("/v1/profile", headers=[*signed, bearer])).status_code == 200
    assert (await hector.http.get("/v1/profile", headers=[*signed, bearer, bearer])).status_code == 401


async def test_a_token_has_the_claims_the_contract_names(hector: Client) -> None:
    head, claims = (_json(part) for part in str(hector.token).split(".")[:2])
    assert (head["typ"], head["alg"]) == ("JWT", "RS256")
    assert {"aud", "sub", "jti", "iat", "nbf", "exp"} <= set(claims)
    assert (claims["aud"], claims["exp"] - claims["iat"]) == (hector.app, 3600)
    assert claims["sub"] == (await hector.get("/v1/profile"))["user_id"]


def _json(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _part(value: object) -> str:
    return _base64(json.dumps(value).encode())


def _base64(text: bytes) -> str:
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def _by_hmac(head: dict[str, Any], claims: dict[str, Any], secret: bytes) -> str:
    """A token by hand: the library knows better than to make this one."""
    signed = f"{_part(head)}.{_part(claims)}"
    return f"{signed}.{_base64(hmac.digest(secret, signed.encode(), 'sha256'))}"


async def test_a_forged_token_is_none(runtime: Runtime, hector: Client) -> None:
    keyring = Keyring(runtime.database, runtime.vault)
    key_id, key = await keyring.signing()
    _, claims, mark = str(hector.token).split(".")
    held = _json(claims)
    stranger = RSAKey.generate_key(2048)
    public = key.raw_value.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def signed(head: dict[str, Any], body: dict[str, Any], with_key: Any = key, by: str = "RS256") -> str:
        return jwt.encode({"typ": "JWT", "alg": by, "kid": key_id, **head}, body, with_key, algorithms=[by])

    assert await _as(hector, f"Bearer {signed({}, held)}") == 200
    now = int(time.time())
    forged = {
        "nothing": "",
        "dots": "..",
        "no signature": f"{_part({'typ': 'JWT', 'alg': 'RS256', 'kid': key_id})}.{claims}.",
        "alg none": f"{_part({'typ': 'JWT', 'alg': 'none', 'kid': key_id})}.{claims}.",
        "alg none with a signature": f"{_part({'typ': 'JWT', 'alg': 'none', 'kid': key_id})}.{claims}.{mark}",
        "the public key as a secret": _by_hmac({"typ": "JWT", "alg": "HS256", "kid": key_id}, held, public),
        "another algorithm": signed({}, held, key, "RS512"),
        "another's key": signed({}, held, stranger),
        "another's key with its own kid": signed({"kid": "mine"}, held, stranger),
        "another's key sent along": signed({"jwk": stranger.as_dict(private=False)}, held, stranger),
        "no kid": jwt.encode({"alg": "RS256"}, held, key, algorithms=["RS256"]),
        "a kid that is no text": f"{_part({'typ': 'JWT', 'alg': 'RS256', 'kid': [key_id]})}.{claims}.{mark}",
        "a header that is no object": f"{_part([])}.{claims}.{mark}",
        "other claims under the signature": str(hector.token).replace(claims, _part({**held, "sub": "0"})),
        "another facade": signed({}, {**held, "iss": "afflux/oxlin"}),
        "no issuer": signed({}, {name: value for name, value in held.items() if name != "iss"}),
        "another application": signed({}, {**held, "aud": "kiosk"}),
        "several applications": signed({}, {**held, "aud": [hector.app, "kiosk"]}),
        "over": signed({}, {**held, "exp": now - 1}),
        "not yet": signed({}, {**held, "nbf": now + 60}),
        "without an end": signed({}, {name: value for name, value in held.items() if name != "exp"}),
        "an end that is no number": signed({}, {**held, "exp": "never"}),
        "an endless end": signed({}, {**held, "exp": None}),
        "no user": signed({}, {name: value for name, value in held.items() if name != "sub"}),
        "a user that is no id": signed({}, {**held, "sub": "hector"}),
        "a user that is a number": signed({}, {**held, "sub": 7}),
        "a user that does not exist": signed({}, {**held, "sub": "0b9f0f3e-5a0c-4a53-9d38-2f2c7a1f6a11"}),
        "too long": signed({}, {**held, "x": "y" * 20_000}),
        "letters beyond ASCII": "é" + str(hector.token),
    }
    for name, value in forged.items():
        answer = await replace(hector, token=None).send("GET", "/v1/profile", Authorization=f"Bearer {value}".encode())
        assert (answer.status_code, name) == (401, name)
        assert answer.json()["error"]["description"] == BAD_TOKEN


async def test_the_token_of_another_application_is_none_here(hector: Client, kiosk: Client) -> None:
    other = await kiosk.joined_by("ida@example.org", "An0ther!Passw0rd")
    await replace(kiosk, token=hector.token).refused(401, BAD_TOKEN, "GET", "/v1/profile")
    await replace(hector, token=other.token).refused(401, BAD_TOKEN, "GET", "/v1/profile")


async def test_a_token_of_another_facade_is_none_here(runtime: Runtime, hector: Client) -> None:
    user_id = (await hector.get("/v1/profile"))["user_id"]
    keyring = Keyring(runtime.database, runtime.vault)
    for facade in Facade:
        issued = await tokens.issue(keyring, facade, hector.app, user_id, runtime.clock.now(), timedelta(hours=1))
        assert await _as(hector, f"Bearer {issued.value}") == (200 if facade is Facade.ISWIGO else 401)


async def test_a_token_ends_with_its_user(hector: Client) -> None:
    user_id = (await hector.get("/v1/profile"))["user_id"]
    await hector.delete(f"/v1/users/{user_id}")
    await hector.refused(401, BAD_TOKEN, "GET", "/v1/profile")
