"""Dice that fall the same way on every machine."""

import hashlib
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeVar

Item = TypeVar("Item")


class Draws:
    """A stream of numbers that depends on nothing but the words it was made from."""

    __slots__ = ("_bytes", "_place", "_words")

    def __init__(self, *words: object) -> None:
        self._words = "|".join(str(word) for word in words)
        self._bytes = b""
        self._place = 0

    def below(self, limit: int) -> int:
        """Return a number from 0 up to, not including, `limit`."""
        if self._place == len(self._bytes):
            # A digest of any length begins with the shorter ones, so growing keeps what was already drawn.
            self._bytes = hashlib.shake_256(self._words.encode()).digest(len(self._bytes) * 2 or 256)
        number = int.from_bytes(self._bytes[self._place : self._place + 4])
        self._place += 4
        return number % limit

    def between(self, low: int, high: int) -> int:
        """Return a number from `low` to `high`, both included."""
        return low + self.below(high - low + 1)

    def pick(self, items: Sequence[Item]) -> Item:
        """Return one of `items`."""
        return items[self.below(len(items))]

    def digits(self, count: int) -> str:
        """Return `count` decimal digits."""
        drawn = "".join(f"{self.below(10**6):06d}" for _ in range(0, count, 6))
        return drawn[:count]

    def money(self, low: int, high: int) -> Decimal:
        """Return an amount between two whole amounts, with two decimals."""
        return Decimal(self.between(low * 100, high * 100)).scaleb(-2)
