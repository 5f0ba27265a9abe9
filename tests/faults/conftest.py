"""A server of this test process, alive at the beginning of every test that asks for it."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
import pytest_asyncio

from afflux.connectors.registry import Registry
from afflux.runtime import Runtime
from afflux.store import catalogue
from tests.faults import rig
from tests.faults.server import Server, beside


@pytest.fixture(scope="session")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The server, running or not."""
    server = Server(tmp_path_factory.mktemp("faults") / "data", heartbeat=3, latency=0.1)
    yield server
    server.destroy()


@pytest_asyncio.fixture
async def server(process: Server) -> Server:
    """A running server; a test may hurt it as it likes."""
    if process.process is None or process.process.poll() is not None:
        process.start()
        await process.ready()
    return process


@pytest_asyncio.fixture
async def desk(server: Server) -> AsyncIterator[Runtime]:
    """What a command works with beside the server."""
    async with beside(server) as runtime:
        yield runtime


@pytest_asyncio.fixture
async def workshop(runtime: Runtime) -> Runtime:
    """A database of its own, without a server, whose catalogue has the connectors of the rig as well."""
    registry = Registry([*runtime.registry.manifests, rig.MANIFEST])
    async with runtime.database.transaction() as tx:
        await catalogue.publish(tx, registry.manifests)
    return replace(runtime, registry=registry)
