"""A client of the facade as the public reference describes one: it signs what it sends, and nothing else."""

import asyncio
import hashlib
import json
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

#: What the reference's own examples log in with.
HECTOR = {"email": "hector.berlioz@iswigo.com", "password": "Str0ng!Passw0rd"}
#: Statuses after which nothing more happens by itself.
RESTING = ("finished", "error", "cancelled", "maintenance", "unavailable", "waiting user")


def signature(secret: str, method: str, target: str, body: bytes) -> str:
    """`$5$` and the hash, put together the way the documentation's PHP sample does."""
    return "$5$" + hashlib.sha256(f"{secret}+{method.lower()}+{target}+".encode() + body).hexdigest()


@dataclass(frozen=True)
class Client:
    """One application, and the user it acts for once `token` is set."""

    http: httpx.AsyncClient
    app: str
    secret: str
    token: str | None = None
    #: Sent with every request, over what a request would send by itself; None leaves a header out.
    headers: dict[str, str | None] = field(default_factory=dict)

    async def send(self, method: str, target: str, body: object = None, **headers: str | None) -> httpx.Response:
        """The response to a signed request; `body` is JSON unless it is bytes."""
        raw = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        sent: dict[str, str | None] = {
            "X-Iswigo-App": self.app,
            "X-Iswigo-Signature": signature(self.secret, method, target, raw),
            "Content-Type": "application/json" if raw else None,
            "Authorization": f"Bearer {self.token}" if self.token else None,
            **self.headers,
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        kept = {name: value for name, value in sent.items() if value is not None}
        return await self.http.request(method, target, content=raw, headers=kept)

    async def get(self, target: str) -> Any:
        """The JSON of a successful GET."""
        return _json(await self.send("GET", target))

    async def post(self, target: str, body: object = None) -> Any:
        """The JSON of a successful POST."""
        return _json(await self.send("POST", target, body))

    async def put(self, target: str, body: object) -> Any:
        """The JSON of a successful PUT."""
        return _json(await self.send("PUT", target, body))

    async def delete(self, target: str) -> None:
        """A successful DELETE."""
        response = await self.send("DELETE", target)
        assert (response.status_code, response.content) == (204, b""), response.text

    async def refused(self, status: int, description: str, method: str, target: str, body: object = None) -> None:
        """A request that has to fail just so."""
        response = await self.send(method, target, body)
        assert response.json() == {"error": {"code": status, "description": description}}
        assert response.status_code == status

    async def joined_by(self, email: str = HECTOR["email"], password: str = HECTOR["password"]) -> "Client":
        """The client with the token of a new user."""
        await self.post("/v1/users", {"email": email, "password": password})
        return await self.as_user(email, password)

    async def as_user(self, email: str = HECTOR["email"], password: str = HECTOR["password"]) -> "Client":
        """The client with a token of this user."""
        token = await self.post("/v1/authenticate", {"email": email, "password": password})
        return replace(self, token=token["access_token"])

    async def status(self, connection_id: str, *wanted: str, seconds: float = 30) -> Any:
        """The connection's status, once it is one of `wanted` (or rests, where none is named)."""
        async with asyncio.timeout(seconds):
            while (now := await self.get(f"/v1/connections/{connection_id}/status"))["status"] not in (
                wanted or RESTING
            ):
                await asyncio.sleep(0.02)
        return now


def _json(response: httpx.Response) -> Any:
    assert response.is_success, f"{response.status_code} {response.text}"
    return response.json()
