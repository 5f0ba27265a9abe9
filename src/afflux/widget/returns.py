"""Where providers send people back to: after they consented or refused, and with the answer to a challenge."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.response import Redirect

from afflux.domain.errors import NotFound
from afflux.runtime import Runtime
from afflux.services import challenges, consents
from afflux.web.pages import Pages
from afflux.widget.consent import departures

AnyRequest = Request[Any, Any, Any]


@get("/return", status_code=200)
async def come_back(
    request: AnyRequest, runtime: NamedDependency[Runtime], pages: NamedDependency[Pages]
) -> Response[Any]:
    """Take what the provider sent along, and send the person on to the application."""
    parameters = _parameters(request)
    return await keep(request, runtime, pages, parameters.pop("state", ""), parameters)


async def keep(
    request: AnyRequest, runtime: Runtime, pages: Pages, state: str, parameters: Mapping[str, str]
) -> Response[Any]:
    """Keep the outcome of a consent; on to where the person wanted, or a last page where that is nowhere.

    Raises `NotFound` for a state that is not open, and for another browser than the one that left a page of ours.
    """
    async with runtime.database.transaction() as tx:
        asked = await consents.answered(tx, runtime.vault, runtime.registry, state, parameters)
        home = asked.redirect_url
        if home is not None and asked.is_ours:
            home = departures.home(request, home, asked.connection_id)
            if home is None:
                raise NotFound("somebody else left for the bank")
    return _on(pages, home)


@get("/return/challenge", status_code=200)
async def answer(
    request: AnyRequest, runtime: NamedDependency[Runtime], pages: NamedDependency[Pages]
) -> Response[Any]:
    """Answer the challenge with what the provider sent along, and send the person back to our page, if they left it."""
    parameters = _parameters(request)
    async with runtime.database.transaction() as tx:
        sync = await challenges.returned(tx, runtime.vault, parameters.pop("state", ""), parameters)
    return _on(pages, departures.home(request, departures.page(runtime), sync.connection_id))


def _parameters(request: AnyRequest) -> dict[str, str]:
    return dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))


def _on(pages: Pages, home: str | None) -> Response[Any]:
    if home is None:
        return pages.page("returned.html")
    return Redirect(home, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})


HANDLERS = (come_back, answer)
