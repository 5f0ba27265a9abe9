"""What a sandbox bank remembers of a connection between runs, and of a run while a person is asked."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Self

import msgspec


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The connector's state. All times are on the sandbox clock."""

    v: Literal[1] = 1
    #: When the connection was first tried: day 0 of every time line.
    linked: datetime
    #: Which sync this is, from 1; a sync that failed is tried again under the same number.
    run: int = 1
    #: When this sync was first tried.
    began: datetime | None = None
    #: How often each of the plan's faults, by its place, made this sync fail.
    failed: dict[int, int] = field(default_factory=dict)
    #: Until when the bank needs no further proof of who is asking.
    consent_until: datetime | None = None
    #: The last grant of the bank's page that was used, as a digest.
    grant: str | None = None
    #: How many codes and pushes the bank has sent.
    sent: int = 0

    @classmethod
    def load(cls, state: bytes | None, now: datetime) -> Self:
        """Read what the last run kept. Nothing, or something unreadable, is a new connection."""
        try:
            return msgspec.json.decode(state or b"", type=cls)
        except msgspec.DecodeError:
            return cls(linked=now)

    def dump(self) -> bytes:
        """Return the bytes that `load` reads."""
        return msgspec.json.encode(self)

    def tried(self, now: datetime) -> "Memory":
        """Note when this sync began; the first of its tries says so."""
        return replace(self, began=self.began or now)

    def granted(self, grant: str | None, until: datetime) -> "Memory":
        """Note what the bank's page granted, and until when; an old grant does not begin anew."""
        if grant is None or grant == self.grant:
            return self
        return replace(self, grant=grant, consent_until=until)

    def failing(self, fault: int) -> "Memory":
        """Count one more failure by this fault."""
        return replace(self, failed={**self.failed, fault: self.failed.get(fault, 0) + 1})

    def finished(self) -> "Memory":
        """Close this sync: the next one has another number."""
        return replace(self, run=self.run + 1, began=None, failed={})

    def consents(self, now: datetime) -> bool:
        """Whether the bank still knows who is asking."""
        return self.consent_until is not None and now < self.consent_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """Where a run stands while a person is asked. Holds no secret and no answer."""

    v: Literal[1] = 1
    phase: Literal["challenge"] = "challenge"
    #: Place in the plan's list of steps.
    step: int
    expires_at: datetime
    #: How often a decoupled approval was looked for.
    looks: int = 0
    #: How many wrong answers came.
    wrong: int = 0

    @classmethod
    def load(cls, parked: bytes) -> Self | None:
        """Read what was parked; `None` for anything that this version did not write."""
        try:
            return msgspec.json.decode(parked, type=cls)
        except msgspec.DecodeError:
            return None

    def dump(self) -> bytes:
        """Return the bytes that `load` reads."""
        return msgspec.json.encode(self)
