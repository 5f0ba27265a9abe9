"""What a sandbox bank holds: accounts and the movements on them, as a function of when somebody looks."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from afflux.domain.records import AccountRecord, TransactionRecord

HISTORY_DAYS = 730
OVERLAP_DAYS = 30


@dataclass(frozen=True, slots=True)
class Scene:
    """All that the data of a sandbox bank depend on."""

    #: Drawn from: the same word, the same data.
    seed: str
    #: When the connection was first tried.
    linked: date
    today: date
    #: Which sync this is, from 1.
    run: int

    @property
    def day(self) -> int:
        """Days since the connection was first tried."""
        return (self.today - self.linked).days

    @property
    def midnight(self) -> datetime:
        """The beginning of today: banks state a balance by the day."""
        return datetime.combine(self.today, time.min, UTC)


Rows = Callable[[date, date], Iterable[TransactionRecord]]


@dataclass(frozen=True, slots=True)
class Book:
    """One account, and its movements between two days, both included."""

    account: AccountRecord
    rows: Rows
    #: The bank gives the whole history each time, whatever the cursor says.
    whole: bool = False
    #: How many rows there are, where there are very many.
    size: int = 0
    #: How far back the bank goes, where that is further than usual.
    since: date | None = None
    #: The account is listed, but its history cannot be fetched today.
    closed_today: bool = False
    #: Keys of movements of which the bank says that they do not exist.
    removed: tuple[str, ...] = ()


Bank = Callable[[Scene], list[Book]]
Behaviour = Callable[[Scene, list[Book]], list[Book]]


def fixed(rows: Iterable[TransactionRecord]) -> Rows:
    """Make a book's rows out of a handful that are all known."""
    kept = tuple(rows)
    return lambda first, last: (row for row in kept if first <= row.day <= last)
