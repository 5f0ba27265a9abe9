"""The connect page on a fresh database."""

from collections.abc import AsyncIterator

import httpx
import pytest_asyncio

from afflux.app import create_app
from afflux.runtime import Runtime


@pytest_asyncio.fixture
async def browser(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    """The whole server's HTTP, without a socket."""
    transport = httpx.ASGITransport(create_app(runtime), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as client:
        yield client
