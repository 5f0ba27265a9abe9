"""Dates whose order of day, month and year the format leaves open."""

import re
from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import pairwise

from afflux.connectors.files import values
from afflux.connectors.files.safety import FileInvalid

_PARTS = re.compile(r"([0-9]{1,4})\s*[/.\-'’ ]\s*([0-9]{1,2})\s*([/.\-'’ ])\s*([0-9]{1,4})(?:[ T,].*)?")
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})(?:T.*)?")

#: Longer texts are no dates, and many spaces would make the pattern slow.
_MAX = 40

Reader = Callable[[str, str], date]


def day_reader(texts: Sequence[str], date_format: str | None) -> Reader:
    """A function from text and place to a day.

    With `date_format`: `strptime` directives, or letters whose order counts (`DD.MM.YYYY`). Without: year first where a
    year comes first; else what the whole file allows, because some day is above 12, because the style (dots, `1/31'05`)
    is at home in one part of the world, or because only one order makes the rows run in one direction. What stays open
    is refused: a guess would misdate rows by months.
    """
    if date_format and "%" in date_format:
        return _by_directives(date_format)
    return _by_order(_stated_order(date_format) if date_format else _found_order(texts))


def _by_directives(date_format: str) -> Reader:
    def read(text: str, place: str) -> date:
        try:
            return datetime.strptime(text.strip(), date_format).date()
        except ValueError:
            raise FileInvalid(
                f"{place}: {values.shown(text)} is not a date in the form {values.shown(date_format)}."
            ) from None

    return read


def _by_order(order: str) -> Reader:
    def read(text: str, place: str) -> date:
        return _day(text, order, place)

    return read


def _stated_order(date_format: str) -> str:
    letters = "".join(dict.fromkeys(letter for letter in date_format.upper() if letter in "DMY"))
    if sorted(letters) != ["D", "M", "Y"]:
        raise FileInvalid(f"Mapping, date_format: {values.shown(date_format)} does not name day, month and year.")
    return letters


def _day(text: str, order: str, place: str) -> date:
    compact = _COMPACT.fullmatch(text.strip())
    match = _parts(text)
    if compact:
        return values.make_day(int(compact[1]), int(compact[2]), int(compact[3]), text, place)
    if match is None:
        raise FileInvalid(f"{place}: {values.shown(text)} is not a date.")
    if len(match[1]) == 4:
        order = "YMD"
    parts = dict(zip(order, (match[1], match[2], match[4]), strict=True))
    year = int(parts["Y"])
    year = values.full_year(year) if len(parts["Y"]) <= 2 else year
    return values.make_day(year, int(parts["M"]), int(parts["D"]), text, place)


def _parts(text: str) -> re.Match[str] | None:
    return _PARTS.fullmatch(text.strip()) if len(text) <= _MAX else None


def _found_order(texts: Sequence[str]) -> str:
    matches = [match for text in texts if (match := _parts(text)) and len(match[1]) < 4]
    orders = [order for order in ("DMY", "MDY") if all(_fits(match[0], order) for match in matches)]
    if len(orders) == 1:
        return orders[0]
    if not matches or not orders:
        return "DMY"
    if all(match[1].zfill(2) == match[2].zfill(2) for match in matches):
        return "DMY"
    if any("." in match[0] for match in matches):
        return "DMY"
    if any("'" in match[0] for match in matches):
        return "MDY"
    running = [order for order in orders if _runs([_day(match[0], order, "") for match in matches])]
    if len(running) == 1 and len(matches) > 2:
        return running[0]
    raise FileInvalid(
        f"Dates such as {values.shown(matches[0][0])} can be read day first or month first, and nothing in the file "
        'decides: give "date_format" ("DD/MM/YYYY" or "MM/DD/YYYY") in the mapping.'
    )


def _fits(text: str, order: str) -> bool:
    try:
        _day(text, order, "")
    except FileInvalid:
        return False
    return True


def _runs(days: list[date]) -> bool:
    """Whether the days only go forwards, or only backwards."""
    pairs = list(pairwise(days))
    return all(earlier <= later for earlier, later in pairs) or all(earlier >= later for earlier, later in pairs)
