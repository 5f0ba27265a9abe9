"""Calendar months."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month."""

    year: int
    month: int

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the month a day lies in."""
        return cls(day.year, day.month)

    @property
    def next(self) -> "Month":
        """The month after."""
        return Month(self.year + self.month // 12, self.month % 12 + 1)

    @property
    def previous(self) -> "Month":
        """The month before."""
        return Month.of(self.day(1) - timedelta(days=1))

    @property
    def last_day(self) -> date:
        """The last day of the month."""
        return self.next.day(1) - timedelta(days=1)

    def day(self, number: int) -> date:
        """Return a day of the month by its number."""
        return date(self.year, self.month, number)

    def __str__(self) -> str:
        return f"{self.year}-{self.month:02d}"
