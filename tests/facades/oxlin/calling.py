"""A client of the facade: it gets tokens the way the public guides do, and sends them along."""

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import httpx

from afflux.domain.applications import Facade
from afflux.domain.principal import Principal, Role
from afflux.runtime import Runtime
from afflux.store import applications, users
from tests.conftest import Tenant

#: Where browsers come back to the shop.
BACK = "https://app.example/back"
ANA = {"email": "ana@example.org", "password": "Str0ng!Passw0rd"}


@dataclass(frozen=True)
class Client:
    """One application, acting for itself or for a user once `token` is set."""

    http: httpx.AsyncClient
    client_id: str
    secret: str
    token: str | None = None
    #: Of the user it acts for.
    user_id: str | None = None

    async def send(self, method: str, target: str, body: object = None, **headers: str) -> httpx.Response:
        """The response to a request below `/v2.1`; `body` is sent as JSON unless it is bytes."""
        sent = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent |= {name.replace("_", "-").title(): value for name, value in headers.items()}
        if isinstance(body, bytes):
            sent = {"Content-Type": "application/json"} | sent
            return await self.http.request(method, f"/v2.1{target}", content=body, headers=sent)
        return await self.http.request(method, f"/v2.1{target}", json=body, headers=sent)

    async def get(self, target: str) -> Any:
        """The JSON of a successful GET."""
        response = await self.send("GET", target)
        assert response.status_code == 200, response.text
        assert response.headers["content-type"] == "application/json;charset=UTF-8"
        return response.json()

    async def post(self, target: str, body: object = None, status: int = 201) -> Any:
        """The JSON of a successful POST."""
        response = await self.send("POST", target, body)
        assert response.status_code == status, response.text
        return response.json() if response.content else None

    async def patch(self, target: str, body: object) -> Any:
        """The JSON of a successful PATCH; None where there is none."""
        response = await self.send("PATCH", target, body)
        assert response.is_success, response.text
        return response.json() if response.content else None

    async def delete(self, target: str) -> None:
        """A successful DELETE."""
        response = await self.send("DELETE", target)
        assert (response.status_code, response.content) == (204, b""), response.text

    async def refused(self, status: int, error: str, method: str, target: str, body: object = None) -> dict[str, Any]:
        """A request that has to fail just so; what the error says."""
        response = await self.send(method, target, body)
        assert response.status_code == status, response.text
        said: dict[str, Any] = response.json()
        assert said["error"] == error
        assert said["error_description"]
        return said

    async def ask(self, **fields: str) -> httpx.Response:
        """The answer to a token request, as a form with the client's own credentials."""
        return await self.http.post(
            "/token", data={"client_id": self.client_id, "client_secret": self.secret, **fields}
        )

    async def tokens(self, **fields: str) -> dict[str, Any]:
        """What a good token request gives."""
        response = await self.ask(**fields)
        assert response.status_code == 200, response.text
        given: dict[str, Any] = response.json()
        return given

    async def itself(self) -> "Client":
        """With a token of the application itself."""
        return self.with_token((await self.tokens(grant_type="client_credentials"))["access_token"])

    async def joined_by(self, email: str = ANA["email"], password: str = ANA["password"]) -> "Client":
        """With the token of a new user."""
        made = await (await self.itself()).post("/users", {"email": email, "password": password})
        return await self.as_user(made["id"], email, password)

    async def as_user(self, user_id: str, email: str = ANA["email"], password: str = ANA["password"]) -> "Client":
        """With a token of this user."""
        given = await self.tokens(grant_type="password", username=email, password=password)
        return replace(self.with_token(given["access_token"]), user_id=user_id)

    def with_token(self, token: str) -> "Client":
        """The client with another token."""
        return replace(self, token=token)


REDIRECT, EMBEDDED = "8701", "8700"


def two_ways(*channels: str, login: str = "dev", **members: object) -> dict[str, Any]:
    """A connection to the test bank of two channels; both where none is named."""
    by_login = {
        "channel_definition_id": EMBEDDED,
        "credentials": [{"key": "login", "value": login}, {"key": "password", "value": "dev"}],
    }
    by_consent = {"channel_definition_id": REDIRECT, "redirect_url": BACK}
    wanted = [
        each for each in (by_consent, by_login) if each["channel_definition_id"] in (channels or (REDIRECT, EMBEDDED))
    ]
    return {"provider_id": "87", "channels": wanted, **members}


def sandbox(login: str, password: str = "123456") -> dict[str, Any]:
    """A connection to the sandbox bank of many scenarios; the login says what it does."""
    typed = [{"key": "login", "value": login}, {"key": "password", "value": password}]
    return {"provider_id": "1000", "channels": [{"channel_definition_id": "100000", "credentials": typed}]}


async def rested(client: Client, connection_id: str, seconds: float = 30) -> Any:
    """The connection, once it no longer runs."""
    async with asyncio.timeout(seconds):
        while (now := await client.get(f"/connections/{connection_id}"))["status"] == "RUNNING":
            await asyncio.sleep(0.02)
    return now


async def agree(client: Client, connection: Any, login: str = "dev") -> httpx.Response:
    """Visit the bank's page as a program does: by coming there."""
    (address,) = [channel["auth_url"] for channel in connection["channels"] if "auth_url" in channel]
    return await client.http.get(f"{address}&login={login}")


async def linked(client: Client, body: Any) -> Any:
    """A new connection, agreed to where that is asked for, once it no longer runs."""
    connection = await client.post("/connections", body)
    if any("auth_url" in channel for channel in connection["channels"]):
        await agree(client, connection)
    return await rested(client, connection["id"])


async def told(client: Client, queue_id: str, ends: int = 1, seconds: float = 30) -> list[Any]:
    """What is in a queue, once it tells of so many ended synchronisations."""
    async with asyncio.timeout(seconds):
        while heard(events := await client.get(f"/queues/{queue_id}")).count("SYNC_ALL_SUCCESS") < ends:
            await asyncio.sleep(0.02)
    return events


def heard(events: list[Any]) -> list[str]:
    """The events in short: type, and `(r)` or `(e)` for the test bank's channels."""
    marks = {REDIRECT: "(r)", EMBEDDED: "(e)"}
    return [event["event_type"] + marks.get(event.get("channel_definition_id", ""), "") for event in events]


async def tenant_of(runtime: Runtime, client: Client) -> Tenant:
    """The client's application and user, as the core has them."""
    async with runtime.database.reading() as tx:
        registration = await applications.registration(tx, Facade.OXLIN, client.client_id)
        assert registration is not None
        user = await users.by_number(tx, registration.application.id, int(client.user_id or 0))
    principal = Principal(registration.application.id, Role.USER, user.id)
    return Tenant(registration.application, principal, user)
