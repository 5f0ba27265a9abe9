"""What a connector yields while it runs, in order. Replaying them after a crash does no harm."""

from dataclasses import dataclass
from datetime import date, datetime

from afflux.domain.challenges import Challenge
from afflux.domain.errors import SyncErrorCode
from afflux.domain.records import AccountRecord, DocumentRecord, TransactionRecord


@dataclass(frozen=True, slots=True)
class AccountsListed:
    """The account records so far are all there are: held ones that are missing are no longer listed."""


@dataclass(frozen=True, slots=True)
class Removed:
    """The provider says that this transaction no longer exists."""

    account_key: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """The transaction records of this account since its last checkpoint belong together and may be stored.

    With `complete_from` and `complete_to` the connector declares that it gave everything the provider has between
    these days, both included; what we hold there and did not get is gone. Without them nothing is concluded from an
    absence.
    """

    account_key: str
    #: Where the next sync of this account goes on; opaque to the core.
    cursor: str | None = None
    complete_from: date | None = None
    complete_to: date | None = None
    #: The declared completeness covers pending rows only; absent booked rows stay (statement files).
    pending_only: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the run is, 0 to 100, and in which phase: `connect`, `auth`, `accounts`, `history`, `documents` or
    `finish`.
    """

    phase: str
    percent: int


@dataclass(frozen=True, slots=True)
class StateUpdate:
    """What the connector wants back next time (cookies, tokens, a consent id); sealed by the core, at most 256 KiB."""

    state: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Hint:
    """What the run learned about the provider or its input."""

    #: Seconds the provider asks us to stay away.
    retry_after: float | None = None
    consent_expires_at: datetime | None = None
    #: For files: the format that was recognised, such as `camt.053.001.08`.
    format: str | None = None


@dataclass(frozen=True, slots=True)
class Park:
    """The human is needed. Ends the run; `parked` comes back to `resume` with the answer, in any process."""

    challenge: Challenge
    parked: bytes


@dataclass(frozen=True, slots=True)
class Warning:
    """Something the owner of the data should know although the run goes on."""

    #: Such as `statement_gap`.
    code: str
    text: str
    account_key: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The run failed. `detail` is one line without secrets; `retry_after` in seconds where the provider said so."""

    code: SyncErrorCode
    detail: str = ""
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """The run ended well."""


Message = (
    AccountRecord
    | TransactionRecord
    | DocumentRecord
    | AccountsListed
    | Removed
    | Checkpoint
    | Progress
    | StateUpdate
    | Hint
    | Park
    | Warning
    | Failure
    | Done
)
