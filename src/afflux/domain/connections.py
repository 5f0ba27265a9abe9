"""One user's link to one provider, with one state for each channel."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from afflux.domain.errors import SyncErrorCode


class ChannelStatus(StrEnum):
    """What the last run of a channel came to."""

    #: Linked, never run.
    NEW = "new"
    #: An active sync works on it or is going to; never kept, always told from the sync (see `standing`).
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
    #: The user wishes it to be synchronised by itself.
    auto_sync: bool
    #: The provider asked for its user during a sync; without him the next one would not get far either.
    needs_user: bool
    last_success_at: datetime | None
    last_error_at: datetime | None
    #: Failures since the last success.
    consecutive_errors: int
    created_at: datetime

    @property
    def runs_alone(self) -> bool:
        """Whether a sync that nobody attends is wished for and worth a try."""
        return self.auto_sync and not self.needs_user


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
    #: When a sync of kind `accounts` last listed its accounts; from then on only such a sync adds any.
    listed_at: datetime | None
    last_end_at: datetime | None
    last_success_at: datetime | None


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How one channel of a connection stands, as far as others may know."""

    channel_id: int
    status: ChannelStatus
    error_code: SyncErrorCode | None
    #: Its user has never been to the provider's page: no sync runs it.
    awaits_consent: bool
    consent_expires_at: datetime | None
    last_end_at: datetime | None
    last_success_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConsentRequest:
    """A person on the way to the provider's own page, to consent to one channel of a connection."""

    connection_id: UUID
    channel_id: int
    application_id: UUID
    user_id: UUID
    #: Where the person goes on to afterwards; a path is a page of ours, for the browser that left from there only.
    redirect_url: str | None

    @property
    def is_ours(self) -> bool:
        """Whether the person left from a page of ours."""
        return self.redirect_url is not None and self.redirect_url.startswith("/")


def standing(state: ChannelState, outcomes: Mapping[str, str] | None) -> ChannelState:
    """The channel in the light of its connection's active sync, which has come to these `outcomes` so far; None
    without one.
    """
    if outcomes is None or str(state.channel_id) in outcomes or state.awaits_consent:
        return state
    return replace(state, status=ChannelStatus.RUNNING, error_code=None)


def mask_login(login: str) -> str:
    """Hide the middle of a login: first and last three characters stay, six or fewer hide all (Iswigo 6.3)."""
    if len(login) <= 6:
        return "#" * len(login)
    return login[:3] + "#" * (len(login) - 6) + login[-3:]
