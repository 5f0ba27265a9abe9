"""The API on a real socket, in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from afflux.app import create_app
from afflux.runtime import Runtime
from afflux.web import server


@asynccontextmanager
async def served(runtime: Runtime) -> AsyncIterator[int]:
    """Serve until the end of the block; the port on 127.0.0.1."""
    running = uvicorn.Server(server.config(create_app(runtime), "127.0.0.1", 0))
    task = asyncio.create_task(running.serve())
    while not running.started:
        assert not task.done(), task.result()
        await asyncio.sleep(0.01)
    try:
        yield running.servers[0].sockets[0].getsockname()[1]
    finally:
        running.should_exit = True
        await task
