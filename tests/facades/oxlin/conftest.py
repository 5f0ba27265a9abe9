"""The facade on a fresh database, and the applications that call it."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio
from litestar.types import ASGIApp

from afflux.app import create_app
from afflux.facades.oxlin import api as oxlin
from afflux.runtime import Runtime
from afflux.services import applications
from afflux.services.keyring import Keyring
from afflux.web.mounts import Mounts
from tests.facades.oxlin.calling import BACK, Client


@pytest.fixture
def app(runtime: Runtime) -> ASGIApp:
    """The whole server's HTTP."""
    facade = oxlin.create(runtime, Keyring(runtime.database, runtime.vault))
    return Mounts({"v2.1": facade, "token": facade, "signin": facade}, create_app(runtime))


@pytest_asyncio.fixture
async def http(app: ASGIApp) -> AsyncIterator[httpx.AsyncClient]:
    """The same, without a socket."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
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
