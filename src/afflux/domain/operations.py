"""Audited acts on a user: who wanted what, why, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from afflux.domain.principal import Role


class OperationKind(StrEnum):
    """The acts that are kept."""

    REGISTER = "register"
    ERASE = "erase"


class OperationStatus(StrEnum):
    """What came of it; the last two never change."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Operation:
    """One audited act. Holds no personal data beyond the pseudonymous ids."""

    id: UUID
    number: int
    application_id: UUID
    user_id: UUID
    kind: OperationKind
    status: OperationStatus
    actor: Role
    reason: str | None
    reason_code: str | None
    #: Rows that went, by table.
    counts: Mapping[str, int]
    started_at: datetime
    ended_at: datetime | None
