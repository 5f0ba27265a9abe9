"""A consumer of published parts, none of them the server's: PyJWT signs and verifies, PyCryptodome en- and decrypts.

What it sends and insists on is what the contract says of digi.me's Node SDK (sections 6.3 to 6.5).
"""

import base64
import gzip
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import jwt
from Crypto.Cipher import AES, PKCS1_OAEP
from Crypto.PublicKey import RSA
from Crypto.Util.Padding import pad, unpad

from afflux.domain.contracts import ContractKind
from afflux.runtime import Runtime
from tests.conftest import Tenant
from tests.facades.digime.calling import BACK, Browser, Consumer, challenge_of, letters
from tests.facades.digime.conftest import make_consumer
from tests.faults.server import free_port
from tests.jobs.acting import working
from tests.serving import served

JSON = {"Accept": "application/json", "Content-Type": "application/json"}


@asynccontextmanager
async def at_home(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """A server at work on a socket that its answers name; what speaks to it."""
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    there = replace(runtime, settings=replace(runtime.settings, public_url=home))
    async with working(there), served(there, port), httpx.AsyncClient(base_url=home) as http:
        yield http


def pkcs1(consumer: Consumer) -> str:
    """The contract's private key in the only form that the SDK reads."""
    pem = RSA.import_key(consumer.key.as_pem(private=True)).export_key(format="PEM", pkcs=1)
    return pem.decode()


@dataclass
class Published:
    """One contract's backend."""

    http: httpx.AsyncClient
    client_id: str
    key: str = field(repr=False)
    tokens: dict[str, Any] = field(default_factory=dict)

    @property
    def access_token(self) -> str:
        """The latest."""
        return str(self.tokens["access_token"]["value"])

    def signed(self, **claims: Any) -> str:
        """A request token; None leaves a claim out."""
        said = {
            "client_id": self.client_id,
            "nonce": letters(),
            "redirect_uri": BACK,
            "timestamp": int(time.time() * 1000),
            **claims,
        }
        return jwt.encode({name: value for name, value in said.items() if value is not None}, self.key, "PS512")

    async def send(self, method: str, path: str, token: str | None, **more: Any) -> httpx.Response:
        """The answer to a request, whatever it is."""
        headers = {**more.pop("headers", JSON), **({"Authorization": f"Bearer {token}"} if token else {})}
        return await self.http.request(method, f"/v1.6/{path}", headers=headers, **more)

    async def post(self, path: str, json: Any = None, **claims: Any) -> httpx.Response:
        """A signed POST."""
        return await self.send("POST", path, self.signed(**claims), json=json)

    async def payload(self, response: httpx.Response) -> dict[str, Any]:
        """What our token says, after its proof with the key that it names. PyJWT takes a salt of 64 bytes only."""
        assert response.is_success, response.text
        token = response.json()["token"]
        header = jwt.get_unverified_header(token)
        keys = (await self.http.get(header["jku"])).json()["keys"]
        pem = next(key["pem"] for key in keys if key["kid"] == header["kid"])
        said: dict[str, Any] = jwt.decode(token, pem, algorithms=["PS512"], options={"verify_aud": False})
        assert not {"exp", "nbf", "iat"} & said.keys()
        return said

    async def authorize(self, body: Any = None, **claims: Any) -> tuple[str, str, dict[str, Any]]:
        """Verifier, pre-authorization code and session."""
        verifier = base64.urlsafe_b64encode(letters().encode()).rstrip(b"=").decode()
        said = {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}
        fixed = {"response_mode": "query", "response_type": "code", "state": "s"}
        response = await self.post("oauth/authorize", body, **said, **fixed, **claims)
        return verifier, (await self.payload(response))["preauthorization_code"], response.json()["session"]

    def browser(self) -> Browser:
        """Somebody new at the consent pages."""
        return Browser(httpx.AsyncClient(base_url=self.http.base_url))

    async def exchange(self, verifier: str, code: str) -> None:
        """Keep the tokens for a code. The SDK sends neither a body nor its type here."""
        token = self.signed(grant_type="authorization_code", code=code, code_verifier=verifier)
        response = await self.send("POST", "oauth/token", token, headers={"Accept": "application/json"})
        self.tokens = await self.payload(response)

    async def refresh(self) -> None:
        """Renew the tokens."""
        refresh_token = self.tokens["refresh_token"]["value"]
        response = await self.post("oauth/token", grant_type="refresh_token", refresh_token=refresh_token)
        self.tokens = await self.payload(response)

    async def let_in(self, decision: str, **claims: Any) -> tuple[dict[str, str], dict[str, Any]]:
        """Consent and exchange; what the browser brought, and the session."""
        verifier, code, session = await self.authorize(**claims)
        browser = self.browser()
        await browser.open("authorize", code)
        brought = await browser.decide(decision)
        await self.exchange(verifier, brought["code"])
        return brought, session

    async def session(self) -> dict[str, Any]:
        """A new session, after a refresh where the access token is over."""
        response = await self.post("permission-access/trigger", access_token=self.access_token)
        if response.status_code == 401:
            await self.refresh()
            response = await self.post("permission-access/trigger", access_token=self.access_token)
        assert (response.status_code, response.headers["content-type"]) == (202, "application/json")
        session: dict[str, Any] = response.json()["session"]
        assert type(session["expiry"]) is int
        return session

    async def list(self, session: dict[str, Any]) -> dict[str, Any]:
        """The files of a session, as strictly as the SDK reads them."""
        response = await self.send("GET", f"permission-access/query/{session['key']}", None)
        found: dict[str, Any] = response.json()
        assert found["status"]["state"] in ("pending", "running", "completed", "partial")
        for source in found["status"].get("details", {}).values():
            assert source["state"] in ("running", "completed", "partial")
        for file in found.get("fileList", []):
            assert isinstance(file["name"], str)
            assert type(file["updatedDate"]) is int
        return found

    async def read(self, session: dict[str, Any], name: str) -> tuple[bytes, dict[str, Any]]:
        """A file, decrypted, and what is said of it."""
        path = f"permission-access/query/{session['key']}/{name}"
        response = await self.send("GET", path, None, headers={"Accept": "application/octet-stream"})
        assert response.status_code == 200, response.text
        said = json.loads(base64.urlsafe_b64decode(response.headers["X-Metadata"] + "=="))
        data = self.decrypted(response.content)
        return gzip.decompress(data) if said.get("compression") == "gzip" else data, said

    def decrypted(self, body: bytes) -> bytes:
        """The data in an encrypted file, whose hash is right."""
        assert len(body) >= 352
        assert len(body) % 16 == 0
        key = PKCS1_OAEP.new(RSA.import_key(self.key)).decrypt(body[:256])
        plain = unpad(AES.new(key, AES.MODE_CBC, iv=body[256:272]).decrypt(body[272:]), 16)
        assert plain[:64] == hashlib.sha512(plain[64:]).digest()
        return plain[64:]

    async def push(self, brought: dict[str, str], content: bytes, descriptor: Any) -> dict[str, Any]:
        """Push a file; what became of it."""
        key, iv = secrets.token_bytes(32), secrets.token_bytes(16)

        def encrypted(data: bytes) -> bytes:
            return AES.new(key, AES.MODE_CBC, iv=iv).encrypt(pad(data, 16))

        token = self.signed(
            access_token=self.access_token,
            iv=iv.hex(),
            metadata=base64.b64encode(encrypted(json.dumps(descriptor).encode())).decode(),
            symmetrical_key=base64.b64encode(
                PKCS1_OAEP.new(RSA.import_key(brought["publicKey"])).encrypt(key)
            ).decode(),
        )
        path, files = f"permission-access/postbox/{brought['postboxId']}", {"file": ("receipt.txt", encrypted(content))}
        headers = {"Accept": "application/json", "contentType": "multipart/form-data"}
        response = await self.send("POST", path, token, headers=headers, files=files)
        assert response.status_code == 200, response.text
        told: dict[str, Any] = response.json()
        assert type(told["expires"]) is int
        return told


async def make_published(
    runtime: Runtime, http: httpx.AsyncClient, tenant: Tenant, kind: ContractKind = ContractKind.READ
) -> Published:
    """A new contract of the tenant's application."""
    made = await make_consumer(runtime, http, tenant, kind)
    return Published(http, made.client_id, pkcs1(made))
