"""What a benchmark found out, beside what it should be."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One measured number and its target."""

    what: str
    measured: float
    #: Of `measured` and `target`.
    unit: str
    #: None where the number is only for information.
    target: float | None = None
    #: More is better.
    at_least: bool = False
    #: The numbers behind it.
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a target."""
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target

    @property
    def ratio(self) -> float | None:
        """How good it is: 1 is exactly the target, more is better. None without a target, and for nothing at all."""
        if not self.target or not self.measured:
            return None
        return self.measured / self.target if self.at_least else self.target / self.measured
