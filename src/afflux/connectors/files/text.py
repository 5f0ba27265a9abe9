"""Bytes to text, in the encodings that banks really use."""

import codecs
import re

from afflux.connectors.files.safety import FileInvalid

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\x7f]")


def marked(content: bytes) -> str | None:
    """The encoding that a byte-order mark announces."""
    return next((encoding for mark, encoding in _BOMS if content.startswith(mark)), None)


def decode(content: bytes, encoding: str | None = None) -> str:
    """The text, its line ends as `\\n`, without control characters.

    `encoding` is what the file or its owner says. A byte-order mark goes before it; without either, UTF-8 is tried
    first, because nothing else is valid UTF-8 by accident, then the Windows and DOS code pages of western banks.
    """
    chosen = marked(content) or encoding
    text = _strict(content, chosen) if chosen else _guessed(content)
    if "\0" in text:
        raise FileInvalid("The file is binary, not a statement file.")
    text = _CONTROLS.sub("", text.removeprefix("\ufeff"))
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _strict(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except LookupError:
        raise FileInvalid(f"The encoding {encoding[:40]!r} is not known.") from None
    except (UnicodeError, ValueError) as error:
        position = getattr(error, "start", 0)
        raise FileInvalid(f"Byte {position + 1}: the file is not written in {encoding}, as it says.") from None


def _guessed(content: bytes) -> str:
    for encoding in ("utf-8", "cp1252", "cp850"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    return content.decode("latin-1")
