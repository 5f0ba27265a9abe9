"""Amounts as people and spreadsheets write them: grouped, with a sign before or behind, with either decimal mark."""

import re
from collections.abc import Iterable
from decimal import Decimal

from afflux.connectors.files import values
from afflux.connectors.files.safety import FileInvalid

_NOISE = re.compile(r"[A-Z]{3}\b|[€$£¥]|[\s\u00a0\u202f'’]")
_GROUPED = {
    ".": re.compile(r"(?P<whole>[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}|[0-9]*)(?:\.(?P<part>[0-9]*))?"),
    ",": re.compile(r"(?P<whole>[0-9]{1,3}(?:\.[0-9]{3})+|[0-9]*)(?:,(?P<part>[0-9]*))?"),
}
_MARKED = re.compile(r"[0-9]([.,])[0-9]{1,2}$")
_BOTH = re.compile(r"([.,])[0-9]*$")


def decimal_mark(texts: Iterable[str]) -> str:
    """The decimal mark of a whole column: the last of two different marks, or the one before one or two final digits.

    A column that shows neither is read with a point: `1,234` is then a thousand and more.
    """
    for text in texts:
        bare = _bare(text)[1]
        if "," in bare and "." in bare:
            found = _BOTH.search(bare)
        else:
            found = _MARKED.search(bare) if bare.count(",") + bare.count(".") == 1 else None
        if found:
            return found[1]
    return "."


def money(text: str, place: str, mark: str) -> Decimal:
    """An exact amount. Grouping must be in threes, so that a wrong decimal mark cannot multiply it."""
    negative, bare = _bare(text)
    match = _GROUPED[mark].fullmatch(bare)
    if match is None or not (match["whole"] or match["part"]):
        raise FileInvalid(f"{place}: {values.shown(text)} is not an amount with the decimal mark {mark}")
    whole = re.sub(r"[.,]", "", match["whole"])
    number = values.decimal(f"{whole or '0'}.{match['part'] or ''}".rstrip("."), place)
    return -number if negative else number


def _bare(text: str) -> tuple[bool, str]:
    """Whether it is negative, and its digits and marks."""
    bare = _NOISE.sub("", text.strip().replace("\u2212", "-"))
    debit = bare.endswith("DR")
    bare = bare[:-2] if bare.endswith(("DR", "CR")) else bare
    bracketed = bare.startswith("(") and bare.endswith(")")
    bare = bare[1:-1] if bracketed else bare
    signs = (bare[:1] + bare[-1:]) if len(bare) > 1 else ""
    if signs.count("-") + signs.count("+") > 1:
        return False, bare
    return debit or bracketed or "-" in signs, bare.strip("+-")
