"""Load over HTTP: a few clients, each of whom asks again as soon as it is answered, or when the time has come."""

import asyncio
import re
import time
from collections.abc import Iterable, Sequence

#: Clients at the same time.
CLIENTS = 8

_LENGTH = re.compile(rb"\ncontent-length: (\d+)", re.IGNORECASE)


async def seconds(port: int, request: bytes, times: int) -> float:
    """How long `times` answers take, asked for by `CLIENTS` clients."""
    return await seconds_of_all(port, [request] * times)


async def seconds_of_all(port: int, requests: Sequence[bytes]) -> float:
    """How long it takes until each of these is answered, asked for by `CLIENTS` clients."""
    began = time.perf_counter()
    await asyncio.gather(*(_client(port, requests[number::CLIENTS]) for number in range(CLIENTS)))
    return time.perf_counter() - began


async def delays(port: int, requests: Sequence[bytes], rate: float) -> list[float]:
    """Seconds until each of these is answered, in order of size. So many are due in a second, however long those
    before take; one that is late because of them has waited since it was due.
    """
    began = time.perf_counter()
    clients = (_punctual(port, requests[number::CLIENTS], began + number / rate, rate) for number in range(CLIENTS))
    return sorted(delay for found in await asyncio.gather(*clients) for delay in found)


async def _punctual(port: int, requests: Sequence[bytes], first: float, rate: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    found = []
    for number, request in enumerate(requests):
        due = first + number * CLIENTS / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await _ask(reader, writer, request)
        found.append(time.perf_counter() - due)
    writer.close()
    return found


async def answer(port: int, request: bytes) -> bytes:
    """The body of one answer."""
    return await _client(port, [request])


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


async def _client(port: int, requests: Iterable[bytes]) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b""
    for request in requests:
        body = await _ask(reader, writer, request)
    writer.close()
    return body


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bytes:
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 20"), head
    return await reader.readexactly(int(_LENGTH.findall(head)[0]))
