"""A small application on a real socket, and a client that says exactly the bytes it is given."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import uvicorn

from afflux.web import bodies, server


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with what was asked; `/teapot` with a reason phrase of its own, `/slow` only when told to go on."""
    seen = {
        "method": scope["method"],
        "target": scope["extensions"][server.TARGET].decode("latin-1"),
        "body": (await bodies.read(receive)).decode("latin-1"),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
    }
    if scope["path"] == "/teapot":
        scope["extensions"][server.REASON](seen["body"])
    if scope["path"] == "/broken":
        raise RuntimeError("a secret")
    if scope["path"] == "/slow":
        await asyncio.sleep(0.3)
    body = json.dumps(seen).encode()
    status = 418 if scope["path"] == "/teapot" else 200
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@dataclass
class Response:
    """What came back."""

    status_line: str
    headers: dict[str, str]
    body: bytes

    @property
    def status(self) -> int:
        """The code."""
        return int(self.status_line.split(" ")[1])

    @property
    def json(self) -> Any:
        """The body as a value."""
        return json.loads(self.body)


@dataclass
class Speaker:
    """One connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, *pieces: bytes) -> None:
        """Send bytes, each piece for itself."""
        for piece in pieces:
            self.writer.write(piece)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def hear(self) -> Response:
        """The next response."""
        async with asyncio.timeout(10):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status_line, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            return Response(status_line, headers, await self.reader.readexactly(int(headers["content-length"])))

    async def is_hung_up(self) -> bool:
        """Whether the server ends the connection without another word."""
        async with asyncio.timeout(10):
            try:
                return await self.reader.read() == b""
            except ConnectionResetError:
                return True


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Speaker]:
    """A new connection to this machine."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Speaker(reader, writer)
    finally:
        writer.close()


@dataclass
class Served:
    """The application, listening."""

    port: int
    running: uvicorn.Server

    def speaker(self) -> AbstractAsyncContextManager[Speaker]:
        """A new connection."""
        return connected(self.port)

    async def answer(self, *pieces: bytes) -> Response:
        """The response to these bytes on a new connection."""
        async with self.speaker() as speaker:
            await speaker.say(*pieces)
            return await speaker.hear()

    async def is_well(self) -> bool:
        """Whether it serves an ordinary request."""
        return (await self.answer(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")).status == 200


@asynccontextmanager
async def serving(app: Any = echo) -> AsyncIterator[Served]:
    """The application on a port of 127.0.0.1."""
    running = uvicorn.Server(server.config(app, "127.0.0.1", 0))
    task = asyncio.create_task(running.serve())
    while not running.started:
        assert not task.done(), task.result()
        await asyncio.sleep(0.01)
    try:
        yield Served(running.servers[0].sockets[0].getsockname()[1], running)
    finally:
        running.should_exit = True
        await task
