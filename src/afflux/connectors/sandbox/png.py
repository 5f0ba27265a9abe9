"""Pictures of digits, for the challenges that show one."""

import struct
import zlib

SCALE = 8
#: Five rows of three pixels for each digit, a set bit is ink.
GLYPHS = {
    "0": (7, 5, 5, 5, 7),
    "1": (2, 6, 2, 2, 7),
    "2": (7, 1, 7, 4, 7),
    "3": (7, 1, 7, 1, 7),
    "4": (5, 5, 7, 1, 1),
    "5": (7, 4, 7, 1, 7),
    "6": (7, 4, 7, 5, 7),
    "7": (7, 1, 1, 1, 1),
    "8": (7, 5, 7, 5, 7),
    "9": (7, 5, 7, 1, 7),
}


def digits_picture(digits: str, *, noise: bool = False) -> bytes:
    """Draw digits black on white as a greyscale PNG; with `noise`, grey stripes make it look like a captcha."""
    rows = [_pixels(digits, line) for line in range(7)]
    tall = [row for row in rows for _ in range(SCALE)]
    lines = [_striped(row, y) if noise else row for y, row in enumerate(tall)]
    header = struct.pack(">IIBBBBB", len(lines[0]), len(lines), 8, 0, 0, 0, 0)
    data = zlib.compress(b"".join(b"\x00" + line for line in lines), 9)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _pixels(digits: str, line: int) -> bytes:
    # The first and the last line, and a column around each digit, stay white.
    inks = [GLYPHS[digit][line - 1] if 1 <= line <= 5 else 0 for digit in digits]
    bits = "0" + "0".join(f"{ink:03b}" for ink in inks) + "0"
    return b"".join((b"\x00" if bit == "1" else b"\xff") * SCALE for bit in bits)


def _striped(row: bytes, y: int) -> bytes:
    return bytes(0x99 if pixel and (x + y) % 13 == 0 else pixel for x, pixel in enumerate(row))


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
