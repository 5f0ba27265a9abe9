"""Files packed as a session wants them, piece by piece: a large one is never whole in memory."""

import asyncio
import zlib
from collections.abc import AsyncIterator, Callable

import brotli

#: What is in a file, from its beginning, as often as it is asked for.
Source = Callable[[], AsyncIterator[bytes]]

_PIECE = 256 * 1024
#: Both are good at JSON and quick; the highest qualities of brotli take a second for a megabyte.
_GZIP_LEVEL, _BROTLI_QUALITY = 6, 5
_WITH_GZIP_HEADER = 16 + zlib.MAX_WBITS


async def pieces_of(content: bytes) -> AsyncIterator[bytes]:
    """What is in memory anyway."""
    for first in range(0, len(content), _PIECE):
        yield content[first : first + _PIECE]


async def packed(pieces: AsyncIterator[bytes], compression: str | None) -> AsyncIterator[bytes]:
    """The pieces compressed (`gzip`, `brotli`), or as they are; for the same pieces the same each time."""
    if compression is None:
        async for piece in pieces:
            yield piece
        return
    pack, finish = _packer(compression)
    async for piece in pieces:
        yield await asyncio.to_thread(pack, piece)
    yield await asyncio.to_thread(finish)


def _packer(compression: str) -> tuple[Callable[[bytes], bytes], Callable[[], bytes]]:
    """What packs a piece, and what gives out the rest."""
    if compression == "gzip":
        gzip = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _WITH_GZIP_HEADER)
        return gzip.compress, gzip.flush
    made = brotli.Compressor(quality=_BROTLI_QUALITY)
    return made.process, made.finish
