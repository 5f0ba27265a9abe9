"""Messages as lines of JSON, between the server and a connector's process.

A line is `{"type": "TransactionRecord", "data": {…}}`: decimals as exact strings, days and times in ISO 8601, bytes in
base64. Reading is strict: a line that is not exactly what its value would be written as is refused.
"""

import math
from dataclasses import dataclass, replace
from typing import Any, cast, get_args

import msgspec

from afflux.connectors.base import Context, Request
from afflux.connectors.drive import Crash, Job
from afflux.domain.challenges import Answer
from afflux.domain.messages import Message
from afflux.domain.records import DocumentRecord

MAX_DOCUMENT = 25 * 1024 * 1024
#: The largest document in base64 plus room for everything else.
MAX_LINE = math.ceil(MAX_DOCUMENT / 3) * 4 + 4 * 1024 * 1024


class WireError(Exception):
    """Something cannot be a line, or a line is not one of ours. Names the type and the field, never a value."""


class BadText(WireError):
    """A text has lone surrogates, which no UTF-8 can hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cage:
    """What a child may use; the first line it reads."""

    memory_mib: int
    #: Of processor time.
    seconds: int
    network: bool
    #: Where it imports from: the same places as its parent.
    path: tuple[str, ...]


Wired = Message | Context | Request | Answer | Job | Cage | Crash

#: What only the parent writes.
ORDERS = (Context, Request, Answer, Job, Cage)

_TYPES: dict[str, Any] = {cls.__name__: cls for cls in get_args(Wired)}
_PREFIXES = {cls: f'{{"type":"{name}","data":'.encode() for name, cls in _TYPES.items()}


def _plain_text(value: object) -> str:
    """Libraries hand out texts of classes of their own (lxml); here they are only texts."""
    if isinstance(value, str):
        return "".join((value,))
    raise TypeError


_encoder = msgspec.json.Encoder(enc_hook=_plain_text)


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    type: str
    data: msgspec.Raw


_envelopes = msgspec.json.Decoder(_Envelope)
_decoders = {cls: msgspec.json.Decoder(cls) for cls in _TYPES.values()}


def encode(value: Wired) -> bytes:
    """One line with its line feed.

    Raises `WireError` for what is no message or too long, and `BadText` for text with lone surrogates.
    """
    prefix = _PREFIXES.get(type(value))
    if prefix is None:
        raise WireError(f"{type(value).__name__} is not a message")
    try:
        line = b"%b%b}\n" % (prefix, _encoder.encode(value))
    except UnicodeEncodeError:
        raise BadText(f"{type(value).__name__} holds text that is not Unicode") from None
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError):
        raise WireError(f"{type(value).__name__} holds a value that cannot be written") from None
    if len(line) > MAX_LINE:
        raise WireError(f"{type(value).__name__} is too large")
    return line


def decode(line: bytes) -> Wired:
    """The value of one line, with or without its line feed. Raises `WireError`."""
    if len(line) > MAX_LINE:
        raise WireError("a line is too long")
    try:
        envelope = _envelopes.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise WireError("a line is not a message") from None
    cls = _TYPES.get(envelope.type)
    if cls is None:
        raise WireError("a line has an unknown type")
    return _value(cls, envelope.data)


def exact(value: Wired) -> Wired:
    """The value as the other side would read it: every field of its declared type. Raises as `encode` and `decode`."""
    if type(value) is not DocumentRecord:
        return decode(encode(value))
    if type(value.content) is not bytes:
        raise WireError("DocumentRecord: wrong content")
    hollow = cast(DocumentRecord, decode(encode(replace(value, content=b""))))
    return replace(hollow, content=value.content)


class Lines:
    """Cuts a stream of bytes into lines, none longer than `MAX_LINE`."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now, without line feeds. Raises `WireError` for one that is too long."""
        first, *more = data.split(b"\n")
        self._size += len(first)
        if self._size > MAX_LINE:
            raise WireError("a line is too long")
        self._begun.append(first)
        if not more:
            return []
        lines = [b"".join(self._begun), *more[:-1]]
        self._begun, self._size = [more[-1]], len(more[-1])
        return lines


def _value(cls: type, data: msgspec.Raw) -> Wired:
    try:
        value: Wired = _decoders[cls].decode(data)
    except msgspec.ValidationError as error:
        raise WireError(f"{cls.__name__}: {_place(str(error))}") from None
    except (ValueError, ArithmeticError, RecursionError, msgspec.MsgspecError):
        raise WireError(f"{cls.__name__}: wrong value") from None
    # The decoder is lenient where we are not: it ignores unknown fields, and takes a number for a decimal.
    written = _encoder.encode(value)
    if written != bytes(data) and (inexact := _inexact(written, data)):
        raise WireError(f"{cls.__name__}: {inexact}")
    return value


def _place(text: str) -> str:
    """Which field is wrong, from msgspec's text; the rest of it may quote the value."""
    if text.startswith("Object missing required field"):
        return "missing " + text.removeprefix("Object missing required field ").split(" - at ")[0].strip("`")
    return "wrong " + text.rpartition(" - at `$.")[2].strip("`") if " - at `$." in text else "wrong value"


def _inexact(written: bytes, read: msgspec.Raw) -> str:
    """What differs between two JSON objects other than their spelling; empty where nothing does."""
    ours, theirs = msgspec.json.decode(written), msgspec.json.decode(read)
    if theirs.keys() - ours.keys():
        return "unknown field"
    return next((f"inexact {name}" for name, value in ours.items() if theirs.get(name, ...) != value), "")
