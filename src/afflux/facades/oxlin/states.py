"""How a connection stands, in this dialect's words (contract: sections 4.1 and 4.2)."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

from afflux.domain.connections import ChannelState, ChannelStatus, standing
from afflux.domain.errors import SyncErrorCode
from afflux.domain.overviews import SyncOverview
from afflux.domain.syncs import SyncKind


class Status(StrEnum):
    """Of a channel or of a connection; a connection has fewer."""

    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    PARTIAL_SUCCESS = "PARTIAL_SUCCESS"
    FAILED = "FAILED"
    CLOSED = "CLOSED"
    #: A connection without a way to its provider: its data come from files.
    NONE = "NONE"
    #: Of channels only, from here on.
    AUTH_FAILED = "AUTH_FAILED"
    TOKEN_EXPIRED = "TOKEN_EXPIRED"  # noqa: S105 - a word of the contract
    PASSWORD_CHANGE_REQUIRED = "PASSWORD_CHANGE_REQUIRED"  # noqa: S105
    CHALLENGE_REQUIRED = "CHALLENGE_REQUIRED"
    USER_ACTION_REQUIRED = "USER_ACTION_REQUIRED"
    #: Not used by this connection.
    EMPTY = "EMPTY"


#: What a channel that failed is called; whatever is not here is a technical failure.
FAILURES = {
    SyncErrorCode.CREDENTIALS_INVALID: Status.AUTH_FAILED,
    SyncErrorCode.CHALLENGE_REJECTED: Status.AUTH_FAILED,
    SyncErrorCode.PASSWORD_EXPIRED: Status.PASSWORD_CHANGE_REQUIRED,
    SyncErrorCode.ACCOUNT_LOCKED: Status.USER_ACTION_REQUIRED,
    SyncErrorCode.ACTION_REQUIRED: Status.USER_ACTION_REQUIRED,
    SyncErrorCode.USER_PRESENCE_REQUIRED: Status.CHALLENGE_REQUIRED,
    SyncErrorCode.CHALLENGE_EXPIRED: Status.CHALLENGE_REQUIRED,
    SyncErrorCode.CONSENT_REQUIRED: Status.TOKEN_EXPIRED,
    SyncErrorCode.CONSENT_EXPIRED: Status.TOKEN_EXPIRED,
}


def of_connection(channels: Collection[Status]) -> Status:
    """What a connection is called whose channels are called so."""
    used = {status for status in channels if status is not Status.EMPTY}
    if not channels:
        return Status.NONE
    if Status.CLOSED in used:
        return Status.CLOSED
    if Status.RUNNING in used:
        return Status.RUNNING
    if used - {Status.SUCCESS, Status.PARTIAL_SUCCESS}:
        return Status.FAILED
    return Status.PARTIAL_SUCCESS if Status.PARTIAL_SUCCESS in used else Status.SUCCESS


def of_channel(state: ChannelState, now: datetime) -> Status:
    """What a channel is called that stands so."""
    over = state.consent_expires_at is not None and state.consent_expires_at <= now
    match state.status:
        case ChannelStatus.RUNNING:
            return Status.RUNNING
        case _ if state.awaits_consent or over:
            return Status.TOKEN_EXPIRED
        case ChannelStatus.FAILED:
            return FAILURES.get(state.error_code or SyncErrorCode.INTERNAL, Status.FAILED)
        case ChannelStatus.PARTIAL:
            return Status.PARTIAL_SUCCESS
    # A channel that has never run has nothing wrong with it.
    return Status.SUCCESS


def during(channels: Sequence[ChannelState], sync: SyncOverview | None) -> list[ChannelState]:
    """The channels of a connection that this sync is at work on, if there is one.

    One of them runs until the sync has ended: whoever sees none running may ask for the next one.
    """
    if sync is None or not channels:
        return list(channels)
    told = [standing(state, sync.outcomes) for state in channels]
    states = going_on(told) if sync.stage is SyncKind.ACCOUNTS else told
    if all(state.status is not ChannelStatus.RUNNING for state in states):
        states[-1] = replace(states[-1], status=ChannelStatus.RUNNING, error_code=None)
    return states


def going_on(channels: Sequence[ChannelState]) -> list[ChannelState]:
    """The channels while accounts are listed: one whose list is there still runs, since its data come next."""
    return [_going_on(state) for state in channels]


def broken_off(channels: Sequence[ChannelState], outcomes: Mapping[str, str]) -> list[ChannelState]:
    """The channels of a sync that was cancelled: those without an outcome have failed."""
    return [
        state if str(state.channel_id) in outcomes else replace(state, status=ChannelStatus.FAILED, error_code=None)
        for state in channels
    ]


def _going_on(state: ChannelState) -> ChannelState:
    listed = state.status in (ChannelStatus.SUCCESS, ChannelStatus.PARTIAL)
    return replace(state, status=ChannelStatus.RUNNING) if listed else state
