"""Categories of transactions (contract: section 3.2)."""

from litestar import Response, get
from litestar.params import FromPath

from afflux.domain.categories import CATEGORIES
from afflux.domain.errors import NotFound
from afflux.facades.oxlin.auth import by_anyone
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.given import GivenPage
from afflux.facades.oxlin.wire.categories import CategoryObject, category_object
from afflux.facades.oxlin.wire.values import answer


@get("/categories", guards=[by_anyone], responses=problems())
async def list_categories(piece: GivenPage) -> Response[list[CategoryObject]]:
    """All categories, wider ones first."""
    return answer([category_object(category) for category in piece.of([*CATEGORIES.values()])])


@get("/categories/{category_id:str}", guards=[by_anyone], responses=problems(404))
async def get_category(category_id: FromPath[str]) -> Response[CategoryObject]:
    """One category."""
    if category_id not in CATEGORIES:
        raise NotFound("there is no such category")
    return answer(category_object(CATEGORIES[category_id]))


HANDLERS = (list_categories, get_category)
