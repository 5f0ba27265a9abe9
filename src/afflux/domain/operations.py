"""Audited acts on a user: who wanted what, why, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID, uuid4

from afflux.domain.principal import Role


class OperationKind(StrEnum):
    """The acts that are kept."""

    REGISTER = "register"
    ERASE = "erase"
    SUSPEND = "suspend"
    RESUME = "resume"
    #: A provider was linked.
    CONSENT_GIVEN = "consent_given"
    #: A provider was unlinked.
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CREDENTIALS_CHANGED = "credentials_changed"


class OperationStatus(StrEnum):
    """What came of it; the last two never change."""

    PENDING = "pending"
    SUCCESSFUL = "successful"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class NewOperation:
    """An act that succeeds with the transaction it is recorded in, or is pending from then on."""

    application_id: UUID
    user_id: UUID
    kind: OperationKind
    actor: Role
    reason: str | None = None
    reason_code: str | None = None
    status: OperationStatus = OperationStatus.SUCCESSFUL
    #: Rows that go, by table.
    counts: Mapping[str, int] = field(default_factory=dict)
    id: UUID = field(default_factory=uuid4)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a pending operation has come to."""

    application_id: UUID
    operation_id: UUID
    status: OperationStatus
    #: Of a failure: a word for programs, and a sentence for people.
    error_code: str | None = None
    error: str | None = None


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
    error_code: str | None
    error: str | None
    started_at: datetime
    ended_at: datetime | None
