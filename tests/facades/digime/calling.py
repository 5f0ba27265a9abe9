"""A consumer written from the contract: it signs requests, walks a browser through consent, reads files."""

import base64
import hashlib
import json
import re
import secrets
import string
import time
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc import jws, jwt
from joserfc.jwk import RSAKey

V16 = "/v1.6"
BACK = "https://app.example/back?tenant=1"
CALLBACK = "https://app.example/callback?step=2"
_LETTERS = string.ascii_letters + string.digits


@cache
def spare_key(number: int) -> RSAKey:
    """A key pair of 2048 bits; making one takes a while, so tests share a few."""
    return RSAKey.generate_key(2048)


def letters(count: int = 32) -> str:
    """Random letters and digits."""
    return "".join(secrets.choice(_LETTERS) for _ in range(count))


def challenge_of(verifier: str) -> str:
    """PKCE, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Authorization:
    """What a consumer keeps between its steps."""

    verifier: str
    code: str
    session: dict[str, Any]


@dataclass
class Consumer:
    """One contract's backend, and a browser."""

    http: httpx.AsyncClient
    client_id: str
    key: RSAKey = field(repr=False)
    redirect_uri: str = BACK
    access_token: str = ""
    refresh_token: str = ""

    def token(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A signed request token; None leaves a claim or a header out."""
        said = {
            "client_id": self.client_id,
            "nonce": letters(),
            "timestamp": int(time.time() * 1000),
            "redirect_uri": self.redirect_uri,
            **claims,
        }
        head = {"alg": "PS512", "typ": "JWT", **(header or {})}
        kept = [{name: value for name, value in each.items() if value is not None} for each in (head, said)]
        return jwt.encode(*kept, key or self.key, algorithms=[kept[0]["alg"]])

    async def send(self, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
        """The answer to a request with this token."""
        headers = {"accept": "application/json", "content-type": "application/json", **more.pop("headers", {})}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return await self.http.request(method, V16 + path, headers=headers, **more)

    async def post(self, path: str, body: Any = None, **claims: Any) -> httpx.Response:
        """A signed POST."""
        return (
            await self.send("POST", path, self.token(**claims), json=body)
            if body is not None
            else await self.send("POST", path, self.token(**claims))
        )

    async def refused(self, status: int, code: str, response: httpx.Response) -> str:
        """The message of an error that has to be just so."""
        error = response.json()["error"]
        assert (response.status_code, error["code"]) == (status, code), response.text
        assert response.headers["x-error-code"] == code
        assert response.headers["x-error-message"] == error["message"]
        assert response.headers["x-error-reference"] == error["reference"]
        assert re.fullmatch("[A-Za-z0-9]{32}", error["reference"])
        assert set(error) == {"code", "message", "reference"}
        return str(error["message"])

    async def opened(self, response: httpx.Response) -> dict[str, Any]:
        """What our signed token says, verified as clients do: with the `pem` of the key that its header names."""
        assert response.status_code == 200, response.text
        token = response.json()["token"]
        header = jws.extract_compact(token.encode()).headers()
        assert set(header) == {"alg", "typ", "jku", "kid"}
        assert (header["alg"], header["typ"]) == ("PS512", "JWT")
        keys = (await self.http.get(header["jku"])).json()["keys"]
        (pem,) = [each["pem"] for each in keys if each["kid"] == header["kid"]]
        assert pem.startswith("-----BEGIN RSA PUBLIC KEY-----")
        load_pem_public_key(pem.encode())
        return dict(jwt.decode(token, RSAKey.import_key(pem), algorithms=["PS512"]).claims)

    def authorize_claims(self, verifier: str, **claims: Any) -> dict[str, Any]:
        """Of an authorize request."""
        return {
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            "response_mode": "query",
            "response_type": "code",
            "state": "a state & more",
            **claims,
        }

    async def authorize(self, body: Any = None, **claims: Any) -> Authorization:
        """Step 1: a pre-authorization code and a session."""
        verifier = letters(43)
        response = await self.post("/oauth/authorize", body, **self.authorize_claims(verifier, **claims))
        said = await self.opened(response)
        return Authorization(verifier, said["preauthorization_code"], response.json()["session"])

    def browser(self) -> "Browser":
        """Somebody new at a browser."""
        return Browser(httpx.AsyncClient(transport=self.http._transport, base_url=self.http.base_url))

    async def exchange(self, verifier: str, code: str, **claims: Any) -> httpx.Response:
        """Step 4."""
        return await self.post(
            "/oauth/token", **{"grant_type": "authorization_code", "code": code, "code_verifier": verifier, **claims}
        )

    async def take(self, response: httpx.Response) -> dict[str, Any]:
        """Keep the tokens of a pair."""
        pair = await self.opened(response)
        assert set(pair) == {"access_token", "refresh_token", "consentid", "identifier", "token_type"}
        self.access_token, self.refresh_token = pair["access_token"]["value"], pair["refresh_token"]["value"]
        return pair

    async def refresh(self, **claims: Any) -> httpx.Response:
        """Renew the pair."""
        said = {"grant_type": "refresh_token", "refresh_token": self.refresh_token, **claims}
        return await self.post("/oauth/token", **said)

    async def let_in(self, *person: str, body: Any = None, **claims: Any) -> dict[str, Any]:
        """All of it, by somebody who signs in, or goes on as somebody new; the session."""
        begun = await self.authorize(body, **claims)
        browser = self.browser()
        await browser.open("authorize", begun.code)
        decision = "allow" if person or "access_token" in claims else "new"
        typed = dict(zip(("email", "password"), person, strict=False))
        end = await browser.decide(decision, **typed)
        assert end["success"] == "true", end
        await self.take(await self.exchange(begun.verifier, end["code"]))
        return begun.session

    async def trigger(self, body: Any = None, **claims: Any) -> dict[str, Any]:
        """A new session."""
        response = await self.post("/permission-access/trigger", body, **{"access_token": self.access_token, **claims})
        assert response.status_code == 202, response.text
        session: dict[str, Any] = response.json()["session"]
        return session


@dataclass
class Browser:
    """Somebody at the consent pages."""

    http: httpx.AsyncClient
    page: httpx.Response = field(default=None)  # type: ignore[assignment]

    async def open(self, path: str, code: str, callback: str = CALLBACK, **query: str) -> httpx.Response:
        """Follow the consumer's link."""
        parameters = {"code": code, "callback": callback, **query}
        self.page = await self.http.get(f"/apps/saas/{path}", params=parameters)
        return self.page

    async def press(self, **fields: str) -> httpx.Response:
        """Send the page's form."""
        action = re.search(r'<form method="post" action="([^"]+)"', self.page.text)
        csrf = re.search(r'name="csrf" value="([^"]+)"', self.page.text)
        assert action, self.page.text
        assert csrf, self.page.text
        address = self.page.url.join(action[1].replace("&amp;", "&"))
        self.page = await self.http.post(address, data={"csrf": csrf[1], **fields})
        return self.page

    async def decide(self, decision: str, **fields: str) -> dict[str, str]:
        """Send the form; what the browser then brings to the application."""
        response = await self.press(decision=decision, **fields)
        while response.status_code == 303 and response.headers["location"].startswith("/apps/"):
            self.page = response = await self.http.get(response.headers["location"])
        assert response.status_code == 303, response.text
        return landed(response)


def landed(response: httpx.Response) -> dict[str, str]:
    """The query that a redirect takes along."""
    return dict(parse_qsl(urlsplit(response.headers["location"]).query))


def unpacked(token: str) -> dict[str, Any]:
    """What a token says, unproven."""
    part = token.split(".")[1]
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value
