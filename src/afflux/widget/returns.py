"""Where providers send people back to, after they consented or refused."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect

from afflux.runtime import Runtime
from afflux.services import consents
from afflux.web.pages import Pages


@get("/return", status_code=200)
async def come_back(
    request: Request[Any, Any, Any], runtime: NamedDependency[Runtime], pages: NamedDependency[Pages]
) -> Response[Any]:
    """Take what the provider sent along, and send the person on to the application."""
    parameters = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return await keep(runtime, pages, parameters.pop("state", ""), parameters)


async def keep(runtime: Runtime, pages: Pages, state: str, parameters: Mapping[str, str]) -> Response[Any]:
    """Keep the outcome; the redirect to the application, or a last page where it named no address."""
    async with runtime.database.transaction() as tx:
        request = await consents.answered(tx, runtime.vault, runtime.registry, state, parameters)
    if request.redirect_url is None:
        return pages.page("returned.html")
    return Redirect(request.redirect_url, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


HANDLERS = (come_back,)
