"""The API on a real socket, in this process or in one of its own."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
import uvicorn

from afflux.app import create_app
from afflux.runtime import Runtime
from afflux.web import server
from tests.conftest import ROOT_KEY
from tests.faults.server import free_port


@asynccontextmanager
async def served(runtime: Runtime, port: int = 0) -> AsyncIterator[int]:
    """Serve until the end of the block; the port on 127.0.0.1, any where none is given."""
    running = uvicorn.Server(server.config(create_app(runtime), "127.0.0.1", port))
    task = asyncio.create_task(running.serve())
    while not running.started:
        assert not task.done(), task.result()
        await asyncio.sleep(0.01)
    try:
        yield running.servers[0].sockets[0].getsockname()[1]
    finally:
        running.should_exit = True
        await task


@asynccontextmanager
async def api_process(runtime: Runtime) -> AsyncIterator[tuple[str, int]]:
    """`afflux api` on the same database until the end of the block; where it is, and its process number."""
    port = free_port()
    home = f"http://127.0.0.1:{port}"
    said = {"DATABASE_URL": runtime.dsn, "ROOT_KEY": ROOT_KEY.hex(), "PUBLIC_URL": home}
    command = [sys.executable, "-m", "afflux", "api", "--data", str(runtime.settings.data), "--port", str(port)]
    environment = os.environ | {f"AFFLUX_{name}": value for name, value in said.items()}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        await _ready(home, process)
        yield home, process.pid
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 30)


async def _ready(home: str, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(60), httpx.AsyncClient() as http:
        while True:
            assert process.poll() is None
            with suppress(httpx.TransportError):
                if (await http.get(f"{home}/ready")).is_success:
                    return
            await asyncio.sleep(0.05)
