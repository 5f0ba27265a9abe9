"""Connections and accounts as a reader sees them: with what follows from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from afflux.domain.connections import ChannelState
from afflux.domain.records import AccountType
from afflux.domain.syncs import SyncKind


class Standing(StrEnum):
    """What may be expected of an account."""

    ACTIVE = "active"
    #: Filled from files; no provider is asked.
    MANUAL = "manual"
    #: The last sync failed on every channel that lists it.
    FAILING = "failing"
    #: The provider no longer lists it.
    NOT_FOUND = "not_found"
    CLOSED = "closed"
    #: Its user has yet to agree to it.
    AWAITS_CONSENT = "awaits_consent"


@dataclass(frozen=True, slots=True)
class AccountOverview:
    """An account, by the names its user gave it where he did."""

    id: UUID
    number: int
    connection_number: int
    channel_id: int
    type: AccountType
    standing: Standing
    name: str
    account_number: str
    iban: str | None
    currency: str
    balance: Decimal | None
    #: When the balance was true; where its provider does not say, when it was last seen.
    balance_at: datetime | None
    owner: str | None
    is_professional: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SyncOverview:
    """A sync, as far as it says how its connection stands."""

    stage: SyncKind
    outcomes: Mapping[str, str]
    #: The channel that runs or waits now.
    channel_id: int | None
    challenge: Mapping[str, Any] | None
    challenge_asked_at: datetime | None
    challenge_expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConnectionFacts:
    """A connection, without how it stands."""

    number: int
    user_number: int
    provider_id: int
    name: str
    auto_sync: bool
    consent_per_account: bool
    #: Of the first account that names one.
    owner: str | None
    #: The channels that would bring back accounts which were deleted.
    eligible: tuple[int, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class ConnectionOverview:
    """A connection and how it stands."""

    facts: ConnectionFacts
    channels: tuple[ChannelState, ...]
    #: The one at work.
    sync: SyncOverview | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What was true of a connection when an event was recorded; how it stood is in the event."""

    facts: ConnectionFacts
    #: The sync that the event is about, as it was then.
    sync: SyncOverview
    #: Where the event lists accounts: all of the connection, or of the channel that it is about.
    accounts: tuple[AccountOverview, ...] = ()
