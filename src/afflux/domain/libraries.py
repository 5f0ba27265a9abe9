"""Visits to the consent pages, and sessions in which a library is read."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from afflux.domain.contracts import Contract
from afflux.domain.errors import SyncErrorCode
from afflux.domain.syncs import SyncStatus


class VisitKind(StrEnum):
    """What a person is sent to the consent pages for."""

    #: To consent to a contract.
    AUTHORIZE = "authorize"
    #: To link a further service to a library that a contract reads already.
    ONBOARD = "onboard"


@dataclass(frozen=True, slots=True)
class Visit:
    """A person on the way through the consent pages."""

    id: UUID
    contract: Contract
    session_id: UUID
    #: Whose library it is about; None until that is known.
    user_id: UUID | None
    kind: VisitKind
    redirect_uri: str
    state: str | None
    #: PKCE, S256; none where no code is given.
    challenge: str | None
    #: SHA-256 of what the browser holds that consented; from then on nobody else gets anywhere.
    browser_hash: bytes | None
    #: What was linked on the way.
    connection_id: UUID | None
    expires_at: datetime
    #: It has ended since then.
    used_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Whether it has neither ended nor taken too long."""
        return self.used_at is None and now < self.expires_at


class SessionState(StrEnum):
    """How a session, or one source of it, stands."""

    #: Nobody has consented yet.
    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    #: Something could not be fetched, or not in time.
    PARTIAL = "partial"


@dataclass(frozen=True, slots=True)
class Source:
    """A sync that a session waits for."""

    connection_number: int
    provider_id: int
    status: SyncStatus
    #: Why it failed, as a whole or on some channel.
    error: SyncErrorCode | None
    #: It finished, but some channel failed.
    is_partial: bool
    ended_at: datetime | None
