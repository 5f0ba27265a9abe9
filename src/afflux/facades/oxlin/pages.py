"""Lists in pages: `page` from 1, `limit` items each (contract: section 7)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar

from litestar import Request
from litestar.params import QueryParameter

from afflux.facades.oxlin.errors import bad

T = TypeVar("T")

#: Items of a page: where nothing is said, and at most.
USUAL, MOST = 100, 500
#: Farther than any list; what is beyond it is simply beyond the end.
_FARTHEST = 2**53


@dataclass(frozen=True, slots=True)
class Page:
    """`limit` items of a list from index `first`, counted from 0."""

    first: int
    limit: int

    def of(self, whole: Sequence[T]) -> list[T]:
        """This piece of a list that is there whole."""
        return list(whole)[self.first : self.first + self.limit]


def page_of(
    request: Request[Any, Any, Any],
    page: Annotated[int, QueryParameter(ge=1, description="Counted from 1")] = 1,
    limit: Annotated[int, QueryParameter(ge=1, le=MOST, description="Items of a page")] = USUAL,
) -> Page:
    """Dependency: which piece of a list is wanted. Raises `Refused`."""
    for name in ("page", "limit"):
        # `1.0` is a whole number for the framework, and the last of several counts; both are mistakes here.
        values = request.query_params.getall(name, ["1"])
        if len(values) > 1 or not values[0].isdigit():
            raise bad(name)
    return Page(min((page - 1) * limit, _FARTHEST), limit)
