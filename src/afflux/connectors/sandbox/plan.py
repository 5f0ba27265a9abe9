"""What a sandbox bank is going to do: one value, made from the provider and the login before anything happens."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from afflux.connectors.sandbox.books import Bank, Behaviour, Scene
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Message
from afflux.domain.records import DocumentRecord

PASSWORD = "123456"  # noqa: S105 - printed in the documentation, opens nothing


class Stage(StrEnum):
    """Where in a run something goes wrong."""

    CONNECT = "connect"
    LOGIN = "login"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A failure that the bank brings about."""

    stage: Stage
    code: SyncErrorCode
    detail: str
    #: The first sync in which it happens.
    from_run: int = 1
    #: The sync fails so often, then no more; `None` means always.
    tries: int | None = None
    #: Fails until so many seconds after the sync was first tried, and says how many are left.
    seconds: int | None = None

    @property
    def passes(self) -> bool:
        """Whether the sync succeeds in the end."""
        return self.tries is not None or self.seconds is not None

    def hits(self, run: int, failed: int, waited: float) -> bool:
        """Whether this try of a sync fails, which failed so often before and was first tried so many seconds ago."""
        if run < self.from_run or (self.passes and run > self.from_run):
            return False
        if self.seconds is not None:
            return waited < self.seconds
        return self.tries is None or failed < self.tries


#: Takes the moment at which the sync was first tried.
Portal = Callable[[Scene, datetime], list[DocumentRecord]]
Trick = Callable[[], AsyncIterator[Message]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Everything that tells one sandbox bank from another."""

    #: `None` accepts any.
    password: str | None = PASSWORD
    #: Who is asking is known from what was granted on the bank's page, for as long as it is good.
    by_consent: bool = False
    faults: tuple[Fault, ...] = ()
    #: The steps that prove who is asking, in order.
    steps: tuple[str, ...] = ()
    #: How long the proof is good for; 0 asks in every run.
    consent_days: int = 90
    #: The proof is asked only when the person is not there to give it.
    asks_the_absent: bool = False
    challenge_seconds: int = 300
    #: Wrong answers that are forgiven before the run fails.
    forgiven: int = 0
    #: The right answer counts as too late.
    code_expired: bool = False
    #: How many looks an approval in the app takes; `None` is never approved.
    looks: int | None = 2
    #: The person says no, in the app or on the bank's site.
    refuses: bool = False
    #: Takes the place of the usual seconds per call.
    seconds_per_call: float | None = None
    #: `None` for a portal that has only documents.
    bank: Bank | None = None
    #: For a bank of many accounts, or of very many movements on each.
    accounts: int | None = None
    movements: int | None = None
    behaviours: tuple[Behaviour, ...] = ()
    portal: Portal | None = None
    #: What a broken connector would do, between the accounts and the history.
    trick: Trick | None = None
    #: Whether the run ends with `Done`, as it should.
    ends: bool = True
