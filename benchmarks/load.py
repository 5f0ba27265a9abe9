"""Load over HTTP: a few clients who ask for the same thing, each again as soon as it is answered."""

import asyncio
import re
import time

#: Clients at the same time.
CLIENTS = 8

_LENGTH = re.compile(rb"\ncontent-length: (\d+)", re.IGNORECASE)


async def seconds(port: int, request: bytes, times: int) -> float:
    """How long `times` answers take, asked for by `CLIENTS` clients."""
    began = time.perf_counter()
    await asyncio.gather(*(_client(port, request, times // CLIENTS) for _ in range(CLIENTS)))
    return time.perf_counter() - began


async def answer(port: int, request: bytes) -> bytes:
    """The body of one answer."""
    return await _client(port, request, 1)


async def answering(port: int) -> None:
    """Wait until somebody listens."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


async def _client(port: int, request: bytes, times: int) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b""
    for _ in range(times):
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        body = await reader.readexactly(int(_LENGTH.findall(head)[0]))
    writer.close()
    return body
