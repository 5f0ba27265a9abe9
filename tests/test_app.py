"""What the server says of itself, whichever dialects it speaks."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest_asyncio

from afflux.app import create_app
from afflux.config import Settings
from afflux.runtime import Runtime, open_runtime
from tests.conftest import ROOT_KEY
from tests.serving import served

NOWHERE = "postgresql://afflux@127.0.0.1:9/afflux"


@pytest_asyncio.fixture
async def http(runtime: Runtime) -> AsyncIterator[httpx.AsyncClient]:
    async with served(runtime) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client


async def test_a_server_with_its_database_is_ready(http: httpx.AsyncClient) -> None:
    for path in ("/health", "/ready"):
        response = await http.get(path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert 'afflux_syncs{status="pending"} 0' in (await http.get("/metrics")).text


async def test_a_server_without_its_database_lives_and_is_not_ready(settings: Settings) -> None:
    async with open_runtime(replace(settings, database_url=NOWHERE), NOWHERE, ROOT_KEY) as runtime:
        transport = httpx.ASGITransport(create_app(runtime))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as http:
            assert (await http.get("/health")).status_code == 200
            assert (await http.get("/ready")).status_code == 503
            away = await http.get("/metrics")
            assert (away.status_code, away.json()["title"]) == (503, "Service Unavailable")


async def test_what_belongs_to_no_dialect_is_refused_in_our_own_words(http: httpx.AsyncClient) -> None:
    for method, path, status in (
        ("GET", "/nothing", 404),
        ("GET", "/healthy", 404),
        ("POST", "/health", 405),
        ("GET", "/..%2f..%2fetc/passwd", 404),
        ("GET", "/%00", 404),
        ("GET", "/%ff", 404),
        ("GET", "/docs/%2e%2e/openapi.json", 404),
    ):
        response = await http.request(method, path)
        assert (response.status_code, path) == (status, path)
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == status


async def test_no_answer_says_what_the_server_is_made_of(http: httpx.AsyncClient) -> None:
    for path in ("/", "/health", "/nothing", "/v1/users"):
        response = await http.get(path)
        assert "server" not in response.headers
        assert "x-powered-by" not in response.headers
