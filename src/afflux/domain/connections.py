"""One user's link to one provider, with one state for each channel."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from afflux.domain.errors import SyncErrorCode


class ChannelStatus(StrEnum):
    """What the last run of a channel came to."""

    #: Linked, never run.
    NEW = "new"
    RUNNING = "running"
    SUCCESS = "success"
    #: Some of its data could not be fetched.
    PARTIAL = "partial"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Connection:
    """A user's link to a provider."""

    id: UUID
    number: int
    application_id: UUID
    user_id: UUID
    provider_id: int
    name: str
    #: The login with its middle hidden, for showing.
    login_mask: str | None
    auto_sync: bool
    last_success_at: datetime | None
    last_error_at: datetime | None
    #: Failures since the last success.
    consecutive_errors: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ConnectionChannel:
    """The state of one channel of a connection. `credentials` and `state` are sealed."""

    connection_id: UUID
    channel_id: int
    application_id: UUID
    user_id: UUID
    status: ChannelStatus
    error_code: SyncErrorCode | None
    #: Refused once by the provider; does not run again until the user gave something new.
    frozen: bool
    credentials: bytes | None = field(repr=False)
    state: bytes | None = field(repr=False)
    consent_expires_at: datetime | None
    last_end_at: datetime | None
    last_success_at: datetime | None


def mask_login(login: str) -> str:
    """Hide the middle of a login: first and last three characters stay, six or fewer hide all (Iswigo 6.3)."""
    if len(login) <= 6:
        return "#" * len(login)
    return login[:3] + "#" * (len(login) - 6) + login[-3:]
