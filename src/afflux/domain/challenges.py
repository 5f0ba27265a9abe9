"""What only the human can answer while a sync waits, and the answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FieldType(StrEnum):
    """How a form field is shown and kept."""

    TEXT = "text"
    PASSWORD = "password"  # noqa: S105 - a kind of field


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One thing a person is asked to type, for credentials or for a challenge."""

    #: The name the value is sent and stored under.
    name: str
    label: str
    type: FieldType = FieldType.TEXT
    min_length: int | None = None
    max_length: int | None = None
    #: Only digits are accepted.
    digits: bool = False
    required: bool = True


class ChallengeKind(StrEnum):
    """What the person has to do."""

    #: Type what `fields` ask for (an SMS code).
    INPUT = "input"
    #: Pick one of `choices` (where to send the code).
    CHOICE = "choice"
    #: Approve elsewhere (an app); nothing is typed, we ask the provider every `poll_after` seconds.
    DECOUPLED = "decoupled"
    #: Visit `url`; the provider sends the browser back to us with parameters.
    REDIRECT = "redirect"
    #: Look at `image` or `text`, then type what `fields` ask for.
    DISPLAY = "display"
    #: Read the picture and type it.
    CAPTCHA = "captcha"
    #: Say yes.
    CONFIRM = "confirm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """One question to the person behind a connection."""

    kind: ChallengeKind
    #: The step's name, a key of the channel's `steps` (Iswigo shows it), such as `sms`.
    name: str
    text: str = ""
    fields: tuple[FormField, ...] = ()
    #: Choice key to what the person reads.
    choices: Mapping[str, str] = field(default_factory=dict)
    url: str | None = None
    #: A PNG.
    image: bytes | None = None
    #: Seconds between two looks at a decoupled approval.
    poll_after: float = 3.0
    expires_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the person answered: field values, `{"choice": key}`, the redirect's parameters, or `{"confirm": "yes"}`."""

    values: Mapping[str, str] = field(default_factory=dict)
    #: Nobody answered; it is time to look whether a decoupled challenge was approved.
    poll: bool = False
    #: The person gave up.
    cancel: bool = False
