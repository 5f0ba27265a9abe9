"""How often somebody may do something: counted by the minute, in each process for itself."""

from collections import Counter
from collections.abc import Hashable


class PerMinute:
    """Lets everybody do something a number of times in each minute; None is any number."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        self._minute = 0
        self._counts: Counter[Hashable] = Counter()

    def wait(self, who: Hashable, now: float) -> int:
        """Count one more time, `now` in seconds. Seconds until the next minute where that is too often, else 0."""
        if self._most is None:
            return 0
        minute = int(now // 60)
        if minute != self._minute:
            self._minute, self._counts = minute, Counter()
        self._counts[who] += 1
        return 60 - int(now % 60) if self._counts[who] > self._most else 0
