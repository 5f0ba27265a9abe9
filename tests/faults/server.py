"""A real `afflux serve` in a process of its own, and the means to hurt it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psutil

from afflux.config import Settings
from afflux.local import command_runtime
from afflux.runtime import Runtime

#: Seconds before midnight in which no test begins: the sandbox's data change with the day.
_LATE = 900


def clock_offset() -> int:
    """Seconds by which a server's clock is moved, so that a day does not end in the middle of a test."""
    now = datetime.now(UTC)
    left = 86_400 - (now.hour * 3600 + now.minute * 60 + now.second)
    return _LATE if left < _LATE else 0


async def until(met: Callable[[], bool], seconds: float = 60, pause: float = 0.02) -> None:
    """Return once the condition holds; `TimeoutError` when it does not in time."""
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(pause)


def alive(process: psutil.Process) -> bool:
    """Whether it runs, a stopped one included."""
    with suppress(psutil.NoSuchProcess):
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    return False


@dataclass
class Server:
    """One data folder and the server on it."""

    data: Path
    heartbeat: int = 2
    latency: float = 0.05
    port: int = field(default_factory=lambda: free_port())
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None

    @property
    def settings(self) -> Settings:
        """What a command on the same folder works with."""
        return Settings(data=self.data, clock_offset=int(self.variables["AFFLUX_CLOCK_OFFSET"]))

    @property
    def variables(self) -> dict[str, str]:
        """The server's environment."""
        return {
            **os.environ,
            "AFFLUX_HEARTBEAT_SECONDS": str(self.heartbeat),
            "AFFLUX_SANDBOX_LATENCY": str(self.latency),
            "AFFLUX_CLOCK_OFFSET": str(clock_offset()),
            **self.environment,
        }

    @property
    def log(self) -> Path:
        """What all its parts wrote to standard error."""
        return self.data.with_suffix(".log")

    def start(self) -> None:
        """Start it; `ready` waits until it answers."""
        command = [sys.executable, "-m", "afflux", "serve", "--data", str(self.data), "--port", str(self.port)]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, env=self.variables, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )

    async def ready(self) -> None:
        """Wait for the line that says so."""
        assert self.process is not None
        assert self.process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self.process.stdout.readline), 120)
        assert line == f"ready http://127.0.0.1:{self.port}\n", (line, self.log.read_text())

    def worker(self) -> subprocess.Popen[bytes]:
        """One more worker on the same folder; the caller ends it."""
        command = [sys.executable, "-m", "afflux", "worker", "--data", str(self.data)]
        with open(self.log, "ab") as log:
            return subprocess.Popen(command, env=self.variables, stderr=log, start_new_session=True)

    def part(self, name: str) -> psutil.Process:
        """The running child `api`, `worker` or `postgres`. Raises `LookupError` while there is none."""
        assert self.process is not None
        for child in psutil.Process(self.process.pid).children():
            with suppress(psutil.NoSuchProcess):
                if alive(child) and _is(child, name):
                    return child
        raise LookupError(name)

    async def reborn(self, name: str, old: psutil.Process, seconds: float = 60) -> psutil.Process:
        """The part's successor, once there is one."""

        def other() -> bool:
            with suppress(LookupError):
                return self.part(name).pid != old.pid
            return False

        await until(other, seconds)
        return self.part(name)

    def everything(self) -> list[psutil.Process]:
        """The supervisor and all that it started, directly or not."""
        assert self.process is not None
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def leftovers(self) -> list[psutil.Process]:
        """Processes of anybody that work on this data folder, found by command line and current folder."""
        return [process for process in psutil.process_iter() if alive(process) and _works_on(process, self.data)]

    async def kill(self, part: psutil.Process | None = None) -> None:
        """kill -9 of a part, or of the supervisor."""
        victim = part or psutil.Process(self.process.pid if self.process else 0)
        victim.send_signal(signal.SIGKILL)
        if part is None and self.process is not None:
            self.process.wait()
        await until(lambda: not alive(victim), 5)

    async def stop(self, seconds: float = 60) -> float:
        """SIGTERM; the seconds it took to end, which it must do with exit code 0."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        code = await asyncio.wait_for(asyncio.to_thread(self.process.wait), seconds)
        assert code == 0, self.log.read_text()
        return time.monotonic() - began

    def destroy(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            if self.process.stdout is not None:
                self.process.stdout.close()
        deadline = time.monotonic() + 10
        while (left := self.leftovers()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()


def _is(process: psutil.Process, name: str) -> bool:
    words = process.cmdline()
    return process.name() == "postgres" if name == "postgres" else name in words[:5]


def _works_on(process: psutil.Process, data: Path) -> bool:
    with suppress(psutil.Error, OSError):
        if process.pid != os.getpid() and str(data) in process.cmdline():
            return True
        return process.name() == "postgres" and Path(process.cwd()).is_relative_to(data)
    return False


def free_port() -> int:
    """A port that nobody uses at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def serving(data: Path, **options: object) -> AsyncIterator[Server]:
    """A server that answers; nothing of it is left afterwards."""
    server = Server(data, **options)  # type: ignore[arg-type]
    server.start()
    try:
        await server.ready()
        yield server
    finally:
        server.destroy()


@asynccontextmanager
async def beside(server: Server) -> AsyncIterator[Runtime]:
    """What a command works with beside the running server."""
    async with command_runtime(server.settings) as runtime:
        yield runtime
