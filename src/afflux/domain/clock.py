"""The server's clock: the only place that asks what time it is."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True)
class Clock:
    """The time of day in UTC, moved by an offset when expiry is rehearsed."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """The present moment, timezone-aware."""
        return datetime.now(UTC) + self.offset
