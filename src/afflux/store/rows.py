"""From rows to values."""

from collections.abc import Iterable
from typing import TypeVar

import asyncpg
import msgspec

from afflux.domain.errors import NotFound

T = TypeVar("T")


def one(kind: type[T], row: asyncpg.Record | None, what: str) -> T:
    """The row as a value. Raises `NotFound` naming `what` for no row."""
    if row is None:
        raise NotFound(f"{what} not found")
    return msgspec.convert(dict(row), kind)


def maybe(kind: type[T], row: asyncpg.Record | None) -> T | None:
    """The row as a value, or None for no row."""
    return None if row is None else msgspec.convert(dict(row), kind)


def many(kind: type[T], rows: Iterable[asyncpg.Record]) -> list[T]:
    """Every row as a value."""
    return [msgspec.convert(dict(row), kind) for row in rows]
