"""How single values are written: ids, times, amounts, JSON (contract: section 7)."""

import re
from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated, TypeVar, cast
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response

from afflux.domain.errors import NotFound
from afflux.facades.oxlin.errors import JSON

T = TypeVar("T")
#: A JSON number that is written already.
Number = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "number"})]

PARIS = ZoneInfo("Europe/Paris")

_ID = re.compile("[1-9][0-9]{0,18}")


def epoch(moment: datetime) -> int:
    """Seconds since 1970, rounded down."""
    return int(moment.timestamp())


def maybe_epoch(moment: datetime | None) -> int | msgspec.UnsetType:
    """The same; nothing where there is no moment."""
    return msgspec.UNSET if moment is None else epoch(moment)


def midnight(day: date) -> int:
    """When the day begins in Paris."""
    return int(datetime.combine(day, time(), PARIS).timestamp())


def maybe_midnight(day: date | None) -> int | msgspec.UnsetType:
    """The same; nothing where there is no day."""
    return msgspec.UNSET if day is None else midnight(day)


def amount(value: Decimal) -> Number:
    """The amount as a JSON number: exact, no exponent, whole amounts as integers."""
    digits = format(value, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return msgspec.Raw(b"0" if digits == "-0" else digits.encode())


def number_in(text: str) -> int | None:
    """The number that an id stands for; None for a text that cannot be one."""
    return int(text) if _ID.fullmatch(text) and int(text) < 2**63 else None


def number_of(text: str) -> int:
    """The number that an id stands for. Raises `NotFound` for a text that cannot be one."""
    number = number_in(text)
    if number is None:
        raise NotFound("there is no such id")
    return number


def answer(value: T, status: int = 200, headers: dict[str, str] | None = None) -> Response[T]:
    """`value` as the JSON of a response."""
    body = cast(T, msgspec.json.encode(value))
    return Response(body, status_code=status, media_type=JSON, headers=headers)
