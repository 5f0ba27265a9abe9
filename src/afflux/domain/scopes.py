"""Which part of a library is to be read: by service, by time, by what is said of a file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

#: The time before and after everything.
EVER = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
Span = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Selection:
    """A service group, a service in it, or one of its object types; None means all of them."""

    group: int
    service: int | None = None
    object: int | None = None

    def covers(self, other: "Selection") -> bool:
        """Whether `other` asks for nothing that this does not have."""
        return (
            self.group == other.group and self.service in (None, other.service) and self.object in (None, other.object)
        )


@dataclass(frozen=True, slots=True)
class AccountWish:
    """An account that a file may be about."""

    id: str
    #: None is any.
    username: str | None = None


@dataclass(frozen=True, slots=True)
class Criterion:
    """What has to be true of a raw file: all of it."""

    since: datetime | None = None
    #: Texts by lower-case key, of which one has to be the file's.
    texts: Mapping[str, Sequence[str]] | None = None
    #: Of these one has to be the file's.
    accounts: Sequence[AccountWish] | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """A part of a library. What is empty limits nothing."""

    selections: Sequence[Selection] = ()
    spans: Sequence[Span] = ()
    criteria: Sequence[Criterion] = ()

    def admits(self, what: Selection) -> bool:
        """Whether files of this object type are in it."""
        return not self.selections or any(each.covers(what) for each in self.selections)

    def within(self, outer: "Scope") -> bool:
        """Whether it asks for nothing outside `outer`. What has no beginning begins where `outer` does."""
        earliest = min((start for start, _ in outer.spans), default=EVER[0])
        begins = (start for start, _ in self.spans if start != EVER[0])
        return all(map(outer.admits, self.selections)) and all(start >= earliest for start in begins)


def common(mine: Sequence[Span], others: Sequence[Span]) -> list[Span]:
    """The times in both; no spans at all are all of time."""
    return [
        (max(start, first), min(end, last))
        for start, end in mine or [EVER]
        for first, last in others or [EVER]
        if max(start, first) <= min(end, last)
    ]
