"""Statement files that a user handed in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID


class UploadStatus(StrEnum):
    """`WAITING` for a sync to read it, then `DONE` or `FAILED` as a whole."""

    WAITING = "waiting"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Upload:
    """One file; its sealed bytes are dropped once it was read."""

    id: UUID
    number: int
    application_id: UUID
    user_id: UUID
    connection_id: UUID
    name: str
    mapping: str | None
    content: bytes | None = field(repr=False)
    status: UploadStatus
    #: Such as `camt.053.001.08`.
    format: str | None
    #: `accounts`, `transactions` (added, changed, removed, unchanged), `warnings`.
    result: Mapping[str, Any]
    #: One line, where it failed.
    error: str | None
    created_at: datetime
    ended_at: datetime | None
