"""Everything that can go wrong, in one place.

Two families. `AffluxError` and its children are raised to a caller who asked for something; each facade turns them
into its own format at its edge. `SyncErrorCode` is the closed list of reasons why a synchronisation failed;
`SYNC_ERRORS` says for each who must act, whether and when it is tried again, and what a person is told.
"""

from dataclasses import dataclass
from enum import StrEnum


class AffluxError(Exception):
    """A request cannot be served. The message is one line, safe to show, and holds no secret."""


class NotFound(AffluxError):
    """The thing does not exist, or belongs to somebody else: both look the same."""


class Conflict(AffluxError):
    """The thing exists already, or its state does not allow this."""


class InvalidInput(AffluxError):
    """The request itself is wrong."""


class Forbidden(AffluxError):
    """Known and authenticated, but not entitled to this."""


class DecryptionFailed(AffluxError):
    """A sealed value does not open with this key and place. Never answered by a fallback."""


class Fenced(AffluxError):
    """Another worker owns this sync now; whoever sees this stops at once and writes nothing."""


class Actor(StrEnum):
    """Who can make a failed sync succeed."""

    USER = "user"
    OPERATOR = "operator"
    PROVIDER = "provider"
    NOBODY = "nobody"


class Retry(StrEnum):
    """When a failed sync is tried again by itself."""

    NEVER = "never"
    BACKOFF = "backoff"


class SyncErrorCode(StrEnum):
    """Why a sync failed. Closed: every connector translates into these."""

    CREDENTIALS_INVALID = "credentials_invalid"
    ACCOUNT_LOCKED = "account_locked"
    PASSWORD_EXPIRED = "password_expired"  # noqa: S105 - a code, not a password
    ACTION_REQUIRED = "action_required"
    USER_PRESENCE_REQUIRED = "user_presence_required"
    CHALLENGE_REJECTED = "challenge_rejected"
    CHALLENGE_EXPIRED = "challenge_expired"
    CONSENT_REQUIRED = "consent_required"
    CONSENT_EXPIRED = "consent_expired"
    UNSUPPORTED_AUTH = "unsupported_auth"
    RATE_LIMITED = "rate_limited"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_MAINTENANCE = "provider_maintenance"
    PROVIDER_CHANGED = "provider_changed"
    NETWORK = "network"
    FILE_INVALID = "file_invalid"
    TIMEOUT = "timeout"
    CONNECTOR_BROKEN = "connector_broken"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class SyncErrorRule:
    """What follows from one `SyncErrorCode`."""

    actor: Actor
    retry: Retry
    #: The channel refuses to run again until the user gave new credentials or consent.
    freezes: bool
    #: One sentence for the person whose account it is.
    text: str


def _user(text: str, *, freezes: bool = False) -> SyncErrorRule:
    return SyncErrorRule(Actor.USER, Retry.NEVER, freezes, text)


def _provider(text: str) -> SyncErrorRule:
    return SyncErrorRule(Actor.PROVIDER, Retry.BACKOFF, False, text)


def _operator(text: str, retry: Retry = Retry.NEVER) -> SyncErrorRule:
    return SyncErrorRule(Actor.OPERATOR, retry, False, text)


SYNC_ERRORS: dict[SyncErrorCode, SyncErrorRule] = {
    SyncErrorCode.CREDENTIALS_INVALID: _user("The login or the password was refused.", freezes=True),
    SyncErrorCode.ACCOUNT_LOCKED: _user("The provider has locked this access.", freezes=True),
    SyncErrorCode.PASSWORD_EXPIRED: _user("The provider asks for a new password.", freezes=True),
    SyncErrorCode.ACTION_REQUIRED: _user("Something has to be done on the provider's own site first."),
    SyncErrorCode.USER_PRESENCE_REQUIRED: _user("The provider wants to see you: synchronise again yourself."),
    SyncErrorCode.CHALLENGE_REJECTED: _user("The code was refused."),
    SyncErrorCode.CHALLENGE_EXPIRED: _user("The code was not given in time."),
    SyncErrorCode.CONSENT_REQUIRED: _user("You have to agree at the provider first.", freezes=True),
    SyncErrorCode.CONSENT_EXPIRED: _user("Your consent at the provider has ended.", freezes=True),
    SyncErrorCode.UNSUPPORTED_AUTH: _operator("The provider asks for something this connector cannot do."),
    SyncErrorCode.RATE_LIMITED: _provider("The provider asks us to come back later."),
    SyncErrorCode.PROVIDER_UNAVAILABLE: _provider("The provider does not answer at the moment."),
    SyncErrorCode.PROVIDER_MAINTENANCE: _provider("The provider is closed for maintenance."),
    SyncErrorCode.PROVIDER_CHANGED: _operator("The provider answered in a way the connector does not know."),
    SyncErrorCode.NETWORK: _provider("The provider could not be reached."),
    SyncErrorCode.FILE_INVALID: _user("The file could not be read."),
    SyncErrorCode.TIMEOUT: _provider("The synchronisation took too long."),
    SyncErrorCode.CONNECTOR_BROKEN: _operator("The connector failed."),
    SyncErrorCode.WORKER_LOST: _operator("The synchronisation was interrupted too often."),
    SyncErrorCode.INTERNAL: _operator("An internal error happened.", Retry.BACKOFF),
}


def whereabouts(error: BaseException) -> str:
    """Where an error came from, innermost first, without any value."""
    frames, trace = [], error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " < ".join(reversed(frames[-5:]))
