"""A connector in a process of its own, seen from the server."""

import asyncio
import logging
import os
import signal
import sys
from collections import deque
from typing import cast

from afflux.connectors import wire
from afflux.connectors.drive import Crash, Job
from afflux.domain.catalogue import Manifest
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Failure, Message

log = logging.getLogger("afflux.connectors")

#: Bytes we hold before the child has to wait.
_HELD = 512 * 1024
#: A line longer than this is read in a thread.
_LONG_LINE = 256 * 1024
_GRACE = 5.0


class ChildSource(asyncio.SubprocessProtocol):
    """The messages of one run in a child process, in batches."""

    def __init__(self, manifest: Manifest, job: Job) -> None:
        self._manifest = manifest
        self._job = job
        self._transport: asyncio.SubprocessTransport | None = None
        self._chunks: deque[bytes] = deque()
        self._held = 0
        self._lines = wire.Lines()
        self._news = asyncio.Event()
        self._ended = False
        self._exited = asyncio.Event()
        self._released = asyncio.Event()
        self._refused = False
        self._noise = 0
        self._status: int | None = None

    async def open(self) -> None:
        """Start the child and hand it its job. Raises `OSError` where there is no room for a process."""
        cage = wire.Cage(
            memory_mib=self._manifest.memory_mib,
            seconds=self._manifest.seconds,
            network=self._manifest.network,
            path=tuple(map(os.path.abspath, sys.path)),
        )
        lines = wire.encode(cage), wire.encode(self._job)
        command = (sys.executable, "-I", "-m", "afflux.connectors.child")
        transport, _ = await asyncio.get_running_loop().subprocess_exec(
            lambda: self, *command, env={}, cwd="/", start_new_session=True
        )
        # It stays open: its end tells the child that we are gone.
        cast(asyncio.WriteTransport, transport.get_pipe_transport(0)).writelines(lines)

    async def batch(self) -> list[Message | Crash]:
        """The next messages; none at the end. What is not our protocol becomes a failure, and the last thing read."""
        while True:
            while not self._chunks and not self._ended:
                self._news.clear()
                await self._news.wait()
            if not self._chunks:
                await self._wait(self._exited)
                return []
            if messages := await self._read(self._take()):
                return messages

    async def close(self) -> None:
        """Kill what is left of the child and of everything it started, and wait until nothing of it remains."""
        if self._transport is None:
            return
        self._kill()
        try:
            await self._wait(self._exited)
        finally:
            self._transport.close()
        await self._wait(self._released)
        if self._noise:
            log.debug("connector %s wrote %d bytes to its standard error", self._manifest.id, self._noise)

    def ending(self) -> Failure:
        """Why there was no final message."""
        if self._status == -signal.SIGXCPU:
            return Failure(SyncErrorCode.TIMEOUT, f"more than {self._manifest.seconds} s of processor time used")
        if self._status is not None and self._status < 0:
            return Failure(SyncErrorCode.CONNECTOR_BROKEN, f"its process was killed by signal {-self._status}")
        return Failure(SyncErrorCode.CONNECTOR_BROKEN, f"ended without a final message, exit status {self._status}")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The child runs."""
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        """The child wrote. What it says on standard error may hold secrets, and is only counted."""
        if fd != 1:
            self._noise += len(data)
            return
        if self._refused:
            return
        self._chunks.append(data)
        self._held += len(data)
        self._news.set()
        if self._held >= _HELD:
            self._output().pause_reading()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        """The child closed a pipe."""
        if fd == 1:
            self._ended = True
            self._news.set()

    def process_exited(self) -> None:
        """The child is gone and reaped. What it started goes too, so that nothing keeps its pipes open."""
        assert self._transport is not None  # noqa: S101 - connected before it could exit
        self._status = self._transport.get_returncode()
        self._kill()
        self._exited.set()

    def connection_lost(self, exc: Exception | None) -> None:
        """Every pipe is closed."""
        self._released.set()
        self._ended = True
        self._news.set()

    async def _read(self, chunk: bytes) -> list[Message | Crash]:
        messages: list[Message | Crash] = []
        try:
            for line in self._lines.feed(chunk):
                messages.append(await _decoded(line))
        except wire.WireError as error:
            messages.append(Failure(SyncErrorCode.CONNECTOR_BROKEN, str(error)))
            self._refused = self._ended = True
            self._chunks.clear()
            self._kill()
        return messages

    def _take(self) -> bytes:
        chunk = self._chunks.popleft()
        if self._held >= _HELD > self._held - len(chunk) and not self._ended:
            self._output().resume_reading()
        self._held -= len(chunk)
        return chunk

    def _output(self) -> asyncio.ReadTransport:
        assert self._transport is not None  # noqa: S101
        return cast(asyncio.ReadTransport, self._transport.get_pipe_transport(1))

    def _kill(self) -> None:
        assert self._transport is not None  # noqa: S101
        if self._exited.is_set():
            # Its number may be somebody else's by now.
            return
        try:
            os.killpg(self._transport.get_pid(), signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            # Nobody of the group is left; macOS says it the second way while the last one is a zombie.
            return

    async def _wait(self, event: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(_GRACE):
                await event.wait()
        except TimeoutError:
            log.error("the process of connector %s does not end", self._manifest.id)


async def _decoded(line: bytes) -> Message | Crash:
    value = await asyncio.to_thread(wire.decode, line) if len(line) > _LONG_LINE else wire.decode(line)
    if isinstance(value, wire.ORDERS):
        raise wire.WireError("a line is not a message")
    return value
