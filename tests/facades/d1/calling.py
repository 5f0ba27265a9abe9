"""An issuer's backend: it signs assertions, gets tokens, and calls with them."""

import time
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN = "/authz/v1/oauth2/token"
BANK, RIVAL = "BANKONE-01", "RIVAL_0002"


def new_key() -> ECKey:
    """A key pair on P-256."""
    return ECKey.generate_key("P-256")


@dataclass(frozen=True)
class Backend:
    """One issuer, and its token once it has one."""

    http: httpx.AsyncClient
    issuer: str
    key: ECKey = field(default_factory=new_key, repr=False)
    kid: str = "key-1"
    token: str | None = None

    def assertion(self, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """A signed assertion; None leaves a claim or a header out."""
        said = {"iss": self.issuer, "sub": self.issuer, "exp": int(time.time()) + 600, **claims}
        head = {"alg": "ES256", "typ": "JWT", "kid": self.kid, **(header or {})}
        kept = [{name: value for name, value in each.items() if value is not None} for each in (head, said)]
        return jwt.encode(*kept, key or self.key, algorithms=[kept[0]["alg"]])

    async def ask(self, assertion: str | None = None, **members: Any) -> httpx.Response:
        """The token endpoint's answer to an assertion, sent as JSON."""
        body = {"grant_type": GRANT_TYPE, "assertion": assertion or self.assertion(), **members}
        return await self.http.post(TOKEN, json={name: each for name, each in body.items() if each is not None})

    async def signed_in(self, now: float | None = None) -> "Backend":
        """The backend with a token; `now` is the server's time where that is not ours."""
        response = await self.ask(self.assertion(exp=int(now or time.time()) + 600))
        assert response.status_code == 200, response.text
        return replace(self, token=response.json()["access_token"])

    def path(self, consumer: str, rest: str = "") -> str:
        """A path below a consumer of this issuer."""
        return f"/banking/v1/issuers/{self.issuer}/consumers/{consumer}{rest}"

    async def send(self, method: str, path: str, body: object = None, **headers: str) -> httpx.Response:
        """The answer to a call; `body` is JSON unless it is bytes."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, bytes):
            return await self.http.request(method, path, content=body, headers=sent)
        return await self.http.request(method, path, json=body, headers=sent)

    async def register(self, consumer: str) -> None:
        """Register a consumer."""
        response = await self.send("PUT", self.path(consumer), {})
        assert (response.status_code, response.content) == (204, b""), response.text

    async def delete(self, consumer: str, body: object = None) -> Any:
        """Delete a consumer; what that has come to."""
        response = await self.send("POST", self.path(consumer, "/operations:delete"), body)
        assert response.status_code == 200, response.text
        return response.json()

    async def list(self, consumer: str, query: str = "") -> Any:
        """A piece of a consumer's history."""
        response = await self.send("GET", self.path(consumer, f"/operations{query}"))
        assert response.status_code == 200, response.text
        return response.json()

    async def refused(self, status: int, text: str, method: str, path: str, body: object = None, **more: str) -> None:
        """A call that has to fail just so."""
        response = await self.send(method, path, body, **more)
        assert (response.status_code, response.json()) == (status, {"error": text})
