"""The facade on a fresh database, and the issuers that call it."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from afflux.app import create_app
from afflux.runtime import Runtime
from afflux.services import applications, issuers
from tests.facades.d1.calling import BANK, RIVAL, Backend


@pytest_asyncio.fixture
async def http(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """The whole server's HTTP, without a socket."""
    async with over(runtime) as client:
        yield client


def over(runtime: Runtime) -> httpx.AsyncClient:
    """The same for any runtime."""
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080")


async def make_backend(runtime: Runtime, http: httpx.AsyncClient, name: str, issuer: str) -> Backend:
    """A new application that is an issuer, with a token."""
    backend = Backend(http, issuer)
    async with runtime.database.transaction() as tx:
        application, _ = await applications.create(tx, runtime.vault, name)
        await issuers.register(tx, application, issuer, backend.kid, backend.key.as_pem(private=False))
    return await backend.signed_in()


@pytest_asyncio.fixture
async def bank(runtime: Runtime, http: httpx.AsyncClient) -> Backend:
    """An issuer."""
    return await make_backend(runtime, http, "bank", BANK)


@pytest_asyncio.fixture
async def rival(runtime: Runtime, http: httpx.AsyncClient) -> Backend:
    """Another issuer."""
    return await make_backend(runtime, http, "rival", RIVAL)
