"""How answers are written."""

from typing import TypeVar, cast

import msgspec
from litestar import Response

T = TypeVar("T")


def answer(value: T, headers: dict[str, str] | None = None) -> Response[T]:
    """`value` as the JSON of a response."""
    return Response(cast(T, msgspec.json.encode(value)), media_type="application/json", headers=headers)
