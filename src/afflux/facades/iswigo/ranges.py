"""Lists in pieces: `range=<first>-<last>` and the headers that describe the piece (contract: section 9)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from litestar import Request, Response
from litestar.params import QueryParameter

from afflux.facades.iswigo.errors import Refused
from afflux.web.answers import answer

T = TypeVar("T")

#: Items of a range; a wider one is cut.
WIDEST = 100

_RANGE = re.compile(r"([0-9]+)-([0-9]+)")
_PARAMETER = re.compile(r"(?:^|(?<=&))range=[^&]*")
#: Farther than any list; what is beyond it is simply beyond the end.
_FARTHEST = 2**53

#: The query parameter as routes declare it.
RangeText = Annotated[
    str,
    QueryParameter(name="range", description="First and last index, from 0; at most 100 items"),
]
DEFAULT = "0-19"


@dataclass(frozen=True, slots=True)
class Range:
    """A window of a list: `width` items from index `first`, counted from 0."""

    first: int
    width: int

    @classmethod
    def parse(cls, text: str) -> "Range":
        """Raises `Refused` for anything but two indexes in order."""
        match = _RANGE.fullmatch(text)
        first, last = (min(int(each[:20]), _FARTHEST) for each in match.groups()) if match else (1, 0)
        if last < first:
            raise Refused(400, "Invalid range")
        return cls(first, min(last - first + 1, WIDEST))


def ranged(
    request: Request[Any, Any, Any], resource: str, window: Range, items: list[T], total: int, origin: str
) -> Response[list[T]]:
    """The items of `window`, with `Accept-Range`, `Content-Range`, and `Link` where there is more than one range.

    `origin` is where clients reach the server, such as `https://api.example.org`.
    """
    end = window.first + len(items)
    if items:
        # What came may have been read a moment after it was counted.
        total = max(total, end)
    headers = {
        "Accept-Range": f"{resource} {len(items)}",
        "Content-Range": f"{window.first}-{end - 1}/{total}" if items else f"*/{total}",
    }
    if total > window.width:
        url = origin + request.scope["raw_path"].decode("ascii")
        query = request.scope["query_string"].decode("latin-1")
        headers["Link"] = ",".join(
            f'<{url}?{_with_range(query, at)}>; rel="{name}"' for name, at in _neighbours(window, total)
        )
    return answer(items, headers=headers)


def _neighbours(window: Range, total: int) -> Iterator[tuple[str, Range]]:
    """The ranges that can be reached from here, of the same width. Each begins at a multiple of it, wherever the one
    asked for does, so that whoever follows them comes by the last one.
    """
    if window.first > 0:
        yield "first", _around(0, window.width)
        yield "prev", _around(min(window.first, total) - 1, window.width)
    if window.first + window.width < total:
        yield "next", _around(window.first + window.width, window.width)
    yield "last", _around(total - 1, window.width)


def _around(index: int, width: int) -> Range:
    """The range in which an item is."""
    return Range(index // width * width, width)


def _with_range(query: str, at: Range) -> str:
    """The query with another range; its other parameters stay as they were sent."""
    wanted = f"range={at.first}-{at.first + at.width - 1}"
    replaced, count = _PARAMETER.subn(wanted, query)
    return replaced if count else f"{query}&{wanted}" if query else wanted
