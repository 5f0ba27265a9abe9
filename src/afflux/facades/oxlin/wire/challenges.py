"""Challenges: what a bank asks the user during a synchronisation (contract: section 3.4)."""

from datetime import datetime

import msgspec

from afflux.domain.challenges import Challenge, ChallengeKind
from afflux.domain.overviews import SyncOverview
from afflux.facades.oxlin.wire.connections import Typed
from afflux.facades.oxlin.wire.providers import Credential, credential
from afflux.facades.oxlin.wire.values import epoch

_TYPES = {
    ChallengeKind.INPUT: "OTP",
    ChallengeKind.CHOICE: "CHOICE",
    ChallengeKind.DECOUPLED: "DECOUPLED",
    ChallengeKind.REDIRECT: "REDIRECT",
    ChallengeKind.DISPLAY: "DISPLAY",
    ChallengeKind.CAPTCHA: "CAPTCHA",
    ChallengeKind.CONFIRM: "CONFIRM",
}
_LABELS = {
    ChallengeKind.INPUT: "Code sent by the bank",
    ChallengeKind.CHOICE: "Where to send a code",
    ChallengeKind.DECOUPLED: "Approve in the bank's app",
    ChallengeKind.REDIRECT: "Agree on the bank's own page",
    ChallengeKind.DISPLAY: "Copy what the bank shows",
    ChallengeKind.CAPTCHA: "Read the picture",
    ChallengeKind.CONFIRM: "The bank asks for a yes",
}


class Choice(msgspec.Struct):
    """One of several answers."""

    value: str
    label: str


class ChallengeObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One question to the user."""

    id: str
    connection_id: str
    channel_definition_id: str
    type: str
    label: str
    #: Seconds since 1970.
    creation_date: int
    expires: int
    #: What to answer with; empty where nothing is typed.
    fields: list[Credential]
    #: For a choice: what can be answered.
    choices: list[Choice] | None = None
    #: For a redirect: where to go.
    url: str | None = None
    #: A picture, as PNG in base64.
    image: str | None = None


class ChallengeAnswer(msgspec.Struct):
    """What the user answered."""

    credentials: list[Typed]


def open_challenge(connection: int, sync: SyncOverview | None, now: datetime) -> ChallengeObject | None:
    """What the sync asks its user, if it asks anything that can still be answered."""
    if sync is None or not sync.challenge or sync.challenge_asked_at is None or sync.challenge_expires_at is None:
        return None
    if sync.challenge_expires_at <= now:
        return None
    challenge = msgspec.convert(sync.challenge, Challenge)
    return ChallengeObject(
        # One connection asks one question at a time.
        id=str(int(sync.challenge_asked_at.timestamp() * 1_000_000)),
        connection_id=str(connection),
        channel_definition_id=str(sync.channel_id),
        type=_TYPES[challenge.kind],
        label=challenge.text or _LABELS[challenge.kind],
        creation_date=epoch(sync.challenge_asked_at),
        expires=epoch(sync.challenge_expires_at),
        fields=_fields(challenge),
        choices=[Choice(key, label) for key, label in challenge.choices.items()] or None,
        url=challenge.url,
        image=str(sync.challenge["image"]) if sync.challenge.get("image") else None,
    )


def _fields(challenge: Challenge) -> list[Credential]:
    if challenge.kind is ChallengeKind.CHOICE:
        return [Credential("choice", "Choice", "TEXT", True)]
    return [credential(field) for field in challenge.fields]
