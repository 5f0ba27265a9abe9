"""The facade on a fresh database, and the applications that call it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from afflux.app import create_app
from afflux.runtime import Runtime
from afflux.services import applications
from tests.facades.oxlin.calling import BACK, Client


@pytest_asyncio.fixture
async def http(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """The whole server's HTTP, without a socket."""
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client


async def make_client(runtime: Runtime, http: httpx.AsyncClient, name: str) -> Client:
    """A new application's client."""
    async with runtime.database.transaction() as tx:
        _, credentials = await applications.create(tx, runtime.vault, name, redirect_uris=[BACK])
    return Client(http, credentials.oxlin_client_id, credentials.oxlin_client_secret)


@pytest_asyncio.fixture
async def shop(runtime: Runtime, http: httpx.AsyncClient) -> Client:
    """An application."""
    return await make_client(runtime, http, "shop")


@pytest_asyncio.fixture
async def kiosk(runtime: Runtime, http: httpx.AsyncClient) -> Client:
    """Another application."""
    return await make_client(runtime, http, "kiosk")


@pytest_asyncio.fixture
async def ana(shop: Client) -> Client:
    """The shop, acting for a user."""
    return await shop.joined_by()


@pytest_asyncio.fixture
async def ben(shop: Client) -> Client:
    """The shop, acting for another user."""
    return await shop.joined_by("ben@example.org", "An0ther!Passw0rd")
