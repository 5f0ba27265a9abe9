"""JSON as the security baseline (section 5) wants it: one meaning, no surprises, no depth."""

import json
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, NoReturn

#: Levels of arrays and objects.
DEEPEST = 32

#: NUL, and halves of surrogate pairs.
_UNFIT = re.compile("[\0\ud800-\udfff]")
_INT64 = range(-(2**63), 2**63)


class MalformedJson(ValueError):
    """The text is not JSON, or JSON that means different things to different readers."""


def is_type(values: Sequence[str]) -> bool:
    """Whether the `Content-Type` headers of a request say JSON, once, and in UTF-8 if they name a character set."""
    kind, _, parameter = values[0].lower().partition(";") if len(values) == 1 else ("", "", "")
    return kind.strip() == "application/json" and parameter.replace('"', "").strip() in ("", "charset=utf-8")


def decode(raw: bytes) -> Any:
    """The value of a JSON text; fractions are `Decimal`.

    Raises `MalformedJson` for anything but UTF-8, for duplicate keys, NaN and infinities, integers of more than 64
    bits, lone surrogates, NUL, trailing data, and more than `DEEPEST` levels.
    """
    try:
        value = json.loads(
            raw.decode("utf-8"),
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_int=_integer,
            parse_float=Decimal,
        )
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise MalformedJson(str(error)) from None
    _check(value, DEEPEST)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise MalformedJson("a key is there twice")
    return found


def _constant(name: str) -> NoReturn:
    raise MalformedJson(f"{name} is no JSON number")


def _integer(digits: str) -> int:
    if len(digits) > 20 or (number := int(digits)) not in _INT64:
        raise MalformedJson("an integer has more than 64 bits")
    return number


def _check(value: Any, levels: int) -> None:
    """Refuse what a parser lets through: depth, NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        if _UNFIT.search(value):
            raise MalformedJson("a text has NUL or half a surrogate pair")
        return
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    if levels == 0 and isinstance(value, dict | list):
        raise MalformedJson("too many levels")
    for each in inner:
        _check(each, levels - 1)
