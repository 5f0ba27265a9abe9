"""What benchmarks run on: a database of their own, or a whole server. Both are thrown away afterwards."""

import asyncio
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import uvloop

from afflux.config import Settings
from afflux.datafolder import open_data_folder
from afflux.local import command_runtime
from afflux.runtime import Runtime
from benchmarks.load import answering

#: Seconds that a server may take to start, and to end.
_PATIENCE = 60


@dataclass(frozen=True, slots=True)
class Server:
    """A running `afflux serve`, and a way into its database."""

    runtime: Runtime
    process: psutil.Process

    def processes(self) -> list[psutil.Process]:
        """All of it: the supervisor, its parts, and PostgreSQL."""
        return [self.process, *self.process.children(recursive=True)]

    def worker(self) -> psutil.Process:
        """The worker of this moment."""
        return next(each for each in self.process.children() if "worker" in each.cmdline())


@asynccontextmanager
async def own_database() -> AsyncIterator[Runtime]:
    """A fresh embedded PostgreSQL, migrated, with nobody else on it."""
    with tempfile.TemporaryDirectory(prefix="afflux-bench-") as folder:
        data = open_data_folder(Path(folder) / "data")
        async with command_runtime(Settings(data=data.path)) as runtime:
            yield runtime


@asynccontextmanager
async def server(latency: float, heartbeat_seconds: int | None = None) -> AsyncIterator[Server]:
    """A fresh server as a user starts it; its sandbox banks take `latency` seconds for a call."""
    environment = os.environ | {"AFFLUX_SANDBOX_LATENCY": str(latency)}
    if heartbeat_seconds is not None:
        environment["AFFLUX_HEARTBEAT_SECONDS"] = str(heartbeat_seconds)
    with tempfile.TemporaryDirectory(prefix="afflux-bench-") as folder:
        data = Path(folder) / "data"
        process = await _started(data, environment)
        try:
            async with command_runtime(Settings(data=data)) as runtime:
                yield Server(runtime, psutil.Process(process.pid))
        finally:
            await _ended(process)


async def _started(data: Path, environment: dict[str, str]) -> Process:
    command = [sys.executable, "-m", "afflux", "serve", "--data", str(data), "--port", str(free_port())]
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(_PATIENCE):
        line = await process.stdout.readline()
    if not line.startswith(b"ready"):
        raise RuntimeError("the server did not start")
    return process


async def _ended(process: Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_PATIENCE):
            await process.wait()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def served(
    serve: Callable[..., Coroutine[Any, Any, None]], *arguments: object
) -> AsyncIterator[tuple[int, psutil.Process]]:
    """A server in a process of its own, which takes a port as its last argument; the port and the process."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=_run, args=(serve, *arguments, port), daemon=True)
    process.start()
    try:
        await answering(port)
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        await asyncio.to_thread(process.join)


def _run(serve: Callable[..., Coroutine[Any, Any, None]], *arguments: object) -> None:
    uvloop.run(serve(*arguments))
