"""How single values are written: times, numbers (contract: sections 2 and 10)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, overload
from zoneinfo import ZoneInfo

import msgspec

#: A JSON number that is written already.
Number = Annotated[msgspec.Raw, msgspec.Meta(extra_json_schema={"type": "number"})]

_PARIS = ZoneInfo("Europe/Paris")


@overload
def local_time(moment: datetime) -> str: ...
@overload
def local_time(moment: None) -> None: ...
@overload
def local_time(moment: datetime | None) -> str | None: ...
def local_time(moment: datetime | None) -> str | None:
    """`YYYY-MM-DD HH:MM:SS`, the time on a clock in Paris."""
    return None if moment is None else f"{moment.astimezone(_PARIS):%Y-%m-%d %H:%M:%S}"


def utc_time(moment: datetime) -> str:
    """`YYYY-MM-DDTHH:MM:SS+00:00`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def number(amount: Decimal) -> Number:
    """The amount as a JSON number: exact, no exponent, whole amounts as integers."""
    digits = str(amount)
    if "E" in digits:
        digits = format(amount, "f")
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return msgspec.Raw(b"0" if digits == "-0" else digits.encode())
