"""How a synchronisation stands, in the contract's words (sections 6.4, 7.1, 7.2 and 11.1)."""

from dataclasses import dataclass
from enum import StrEnum

from afflux.domain.errors import SyncErrorCode
from afflux.domain.syncs import Sync, SyncStatus
from afflux.services import challenges


class Status(StrEnum):
    """Where a connection stands."""

    PENDING = "pending"
    IN_PROGRESS = "in progress"
    #: Running without the user.
    IN_BACKGROUND = "in background progress"
    WAITING = "waiting user"
    FINISHED = "finished"
    ERROR = "error"
    CANCELLED = "cancelled"
    MAINTENANCE = "maintenance"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failure is called."""

    errno: int
    #: The newer documentation's number for it, and its text.
    code: int
    reason: str


def _coded(code: int, reason: str) -> Failure:
    return Failure(code, code, reason)


_STEP = Failure(200, 205, "Strong Authentication")
_STRONG = _coded(205, "Strong Authentication")
_PROVIDER = _coded(300, "Provider Error")
_INTERNAL = _coded(400, "Internal Error")

#: Every reason why a sync can fail (contract: section 7.2).
FAILURES: dict[SyncErrorCode, Failure] = {
    SyncErrorCode.CREDENTIALS_INVALID: Failure(2, 201, "Bad Credentials"),
    SyncErrorCode.ACCOUNT_LOCKED: _coded(201, "Account Blocked"),
    SyncErrorCode.PASSWORD_EXPIRED: _coded(201, "Password Expired"),
    SyncErrorCode.ACTION_REQUIRED: _coded(202, "User Action Required"),
    SyncErrorCode.USER_PRESENCE_REQUIRED: _STRONG,
    SyncErrorCode.CHALLENGE_REJECTED: _STEP,
    SyncErrorCode.CHALLENGE_EXPIRED: _STEP,
    SyncErrorCode.CONSENT_REQUIRED: _STRONG,
    SyncErrorCode.CONSENT_EXPIRED: _STRONG,
    SyncErrorCode.UNSUPPORTED_AUTH: _coded(304, "Provider Action Required"),
    SyncErrorCode.RATE_LIMITED: _PROVIDER,
    SyncErrorCode.PROVIDER_UNAVAILABLE: _PROVIDER,
    SyncErrorCode.PROVIDER_MAINTENANCE: _PROVIDER,
    SyncErrorCode.PROVIDER_CHANGED: _PROVIDER,
    SyncErrorCode.NETWORK: _PROVIDER,
    SyncErrorCode.FILE_INVALID: _coded(402, "Import Error"),
    SyncErrorCode.TIMEOUT: _PROVIDER,
    SyncErrorCode.CONNECTOR_BROKEN: _INTERNAL,
    SyncErrorCode.WORKER_LOST: _INTERNAL,
    SyncErrorCode.INTERNAL: _INTERNAL,
}

#: Failures that say something of the provider, and have a status of their own instead of `error`.
_CLOSED = {
    SyncErrorCode.PROVIDER_MAINTENANCE: Status.MAINTENANCE,
    SyncErrorCode.PROVIDER_UNAVAILABLE: Status.UNAVAILABLE,
}


@dataclass(frozen=True, slots=True)
class State:
    """Where a connection stands, with all that goes with it."""

    status: Status
    #: What the user is asked for, while the status is `waiting user`.
    step: str | None = None
    #: Percent, while it runs; None at the start.
    progression: int | None = None
    failure: Failure | None = None

    @property
    def errno(self) -> int | None:
        """The number of the error, where the status is `error`."""
        return self.failure.errno if self.failure and self.status is Status.ERROR else None

    @property
    def code(self) -> int:
        """The newer documentation's number for it."""
        return self.failure.code if self.failure else 100

    @property
    def reason(self) -> str:
        """The newer documentation's text for it."""
        return self.failure.reason if self.failure else "OK"


PENDING = State(Status.PENDING)
FINISHED = State(Status.FINISHED)
CANCELLED = State(Status.CANCELLED)


def running(interactive: bool, percent: int | None = None) -> State:
    """A worker is at it."""
    return State(Status.IN_PROGRESS if interactive else Status.IN_BACKGROUND, progression=percent)


def waiting(step: str) -> State:
    """The user is asked for this step."""
    return State(Status.WAITING, step=step)


def failed(code: SyncErrorCode) -> State:
    """It ended badly."""
    return State(_CLOSED.get(code, Status.ERROR), failure=FAILURES[code])


def state_of(sync: Sync | None) -> State:
    """Where a connection stands whose newest sync this is; None for one that never had any."""
    if sync is None:
        return FINISHED
    if challenges.asks(sync):
        return waiting((sync.challenge or {})["name"])
    match sync.status:
        case SyncStatus.PENDING:
            return PENDING
        case SyncStatus.RUNNING:
            return running(sync.interactive, sync.percent)
        case SyncStatus.FAILED:
            return failed(sync.error_code or SyncErrorCode.INTERNAL)
        case SyncStatus.CANCELLED:
            return CANCELLED
        case _:
            return FINISHED
