"""The ledger of erasures: a file outside the database, so that a restored backup does not bring anybody back.

One JSON object a line, with pseudonymous ids only.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from afflux.domain.errors import AffluxError


@dataclass(frozen=True, slots=True)
class Entry:
    """One user to whom there is no way back."""

    application_id: UUID
    user_id: UUID
    operation_id: UUID
    at: datetime


def append(path: Path, entry: Entry) -> None:
    """Add an entry that is on disk when this returns. Raises `OSError`."""
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(fd).st_size
        # What a crash left of a line must not spoil ours.
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        os.write(fd, b"\n" * torn + msgspec.json.encode(entry) + b"\n")
        os.fsync(fd)
    finally:
        os.close(fd)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def entries(path: Path) -> Iterator[Entry]:
    """Every entry, oldest first; a line that was never finished is left out. Raises `AffluxError` for a file that
    cannot be read.
    """
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise AffluxError(f"cannot read the ledger of erasures {path}: {error.strerror}") from None
    for line in filter(None, lines):
        try:
            yield msgspec.json.decode(line, type=Entry)
        except msgspec.MsgspecError:
            continue
