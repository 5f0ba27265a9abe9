"""Single values as statement formats write them: amounts, days, currencies, account numbers."""

import re
from datetime import UTC, date, datetime, time
from decimal import Decimal

from afflux.connectors.files.safety import FileInvalid

_PLAIN = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)")
_CURRENCY = re.compile(r"[A-Z]{3}")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_DAY = re.compile(r"(-?[0-9]{4}-[0-9]{2}-[0-9]{2})(?:T[0-9:.,]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?")
#: Words that stand for "no reference", or say that it is in another field.
_NONE = frozenset(
    {
        *("", "-", "N/A", "NONE", "NONREF", "NOREF", "NOREFERENCE", "NOTPROVIDED", "NOT PROVIDED"),
        *("EREF", "EREF+", "KREF", "KREF+", "MARF", "PREF"),
    }
)

#: Digits before the decimal mark, and after it: more is no sum of money, and does not fit where it is kept.
_WHOLE, _FRACTION = 15, 10

#: ISO 4217 for "no currency", where a format cannot name one.
NO_CURRENCY = "XXX"


def decimal(text: str, place: str, mark: str = ".") -> Decimal:
    """An exact number written with `mark` as its decimal mark and no grouping."""
    plain = text.strip()
    plain = plain.replace(mark, ".") if mark != "." and "." not in plain else plain
    if not _PLAIN.fullmatch(plain):
        raise FileInvalid(f"{place}: {shown(text)} is not an amount.")
    whole, _, fraction = plain.lstrip("+-").partition(".")
    if len(whole.lstrip("0")) > _WHOLE or len(fraction.rstrip("0")) > _FRACTION or len(plain) > 64:
        raise FileInvalid(f"{place}: {shown(text)} has too many digits for an amount.")
    return Decimal(plain)


def currency(text: str, place: str) -> str:
    """An ISO 4217 code."""
    code = text.strip().upper()
    if not _CURRENCY.fullmatch(code):
        raise FileInvalid(f"{place}: {shown(text)} is not a currency.")
    return code


def iso_day(text: str, place: str) -> date:
    """The day of an ISO 8601 date or date-time as printed: a bank means its own calendar, so no zone is applied."""
    match = _DAY.fullmatch(text.strip())
    if match is None:
        raise FileInvalid(f"{place}: {shown(text)} is not a date.")
    try:
        return date.fromisoformat(match[1])
    except ValueError:
        raise FileInvalid(f"{place}: {shown(text)} is not a date.") from None


def make_day(year: int, month: int, day: int, text: str, place: str) -> date:
    """A day from its parts; `text` is what was written."""
    try:
        return date(year, month, day)
    except ValueError:
        raise FileInvalid(f"{place}: {shown(text)} is not a date.") from None


def full_year(two_digits: int) -> int:
    """The year behind two digits: statements reach from 1980 to 2079."""
    return two_digits + (2000 if two_digits < 80 else 1900)


def end_of(day: date) -> datetime:
    """The moment at which the closing balance of `day` is true."""
    return datetime.combine(day, time(23, 59, 59), UTC)


def as_iban(text: str) -> str | None:
    """`text` without spaces if it is an IBAN with right check digits."""
    compact = re.sub(r"\s", "", text).upper()
    if not _IBAN.fullmatch(compact):
        return None
    digits = "".join(str(int(letter, 36)) for letter in compact[4:] + compact[:4])
    return compact if int(digits) % 97 == 1 else None


def reference(text: str | None) -> str | None:
    """A reference, or nothing where the format says in words that there is none."""
    value = (text or "").strip()
    return None if value.upper() in _NONE else value


def references(pairs: dict[str, str | None]) -> dict[str, str]:
    """Those references that are given."""
    return {name: value for name, text in pairs.items() if (value := reference(text)) is not None}


def shown(text: str) -> str:
    """`text` quoted for one line of an error message, shortened."""
    line = " ".join(text.split())
    return f'"{line[:40]}…"' if len(line) > 40 else f'"{line}"'
