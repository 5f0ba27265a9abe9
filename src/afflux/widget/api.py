"""The pages put together: a sealed application, mounted at `/widget`."""

import logging
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, ControllerRouterHandler

from afflux.domain.errors import NotFound, whereabouts
from afflux.runtime import Runtime
from afflux.store.database import AWAY
from afflux.web.given import Handing, handed
from afflux.web.pages import Pages, stylesheet
from afflux.widget import connect, returns

log = logging.getLogger(__name__)

HANDLERS = (stylesheet, *connect.HANDLERS, *returns.HANDLERS)


def create(runtime: Runtime) -> ASGIApp:
    """The pages as an ASGI application. It sees whole paths."""
    return sealed(runtime, "/widget", HANDLERS)


def sealed(runtime: Runtime, path: str, handlers: tuple[ControllerRouterHandler, ...]) -> ASGIApp:
    """Some pages of this package as an application of their own, mounted at `path`."""
    root = urlsplit(runtime.settings.public_url).path.rstrip("/")
    return Handing(_routed(root, path, handlers), runtime=runtime)


@cache
def _routed(root: str, path: str, handlers: tuple[ControllerRouterHandler, ...]) -> Litestar:
    """`root` is what browsers have before `path`."""
    pages = Pages("afflux.widget", root + path)

    def refuse(_: Request[Any, Any, Any], error: Exception) -> Response[str]:
        return _refused(pages, error)

    return Litestar(
        handlers,
        path=path,
        dependencies={
            "runtime": handed("runtime"),
            "pages": Provide(lambda: pages, sync_to_thread=False),
        },
        exception_handlers={Exception: refuse},
        openapi_config=None,
        logging_config=None,
    )


def _refused(pages: Pages, error: Exception) -> Response[str]:
    """The page for whatever was raised while a request was served."""
    match error:
        case NotFound():
            return pages.page("closed.html", 404)
        case HTTPException() if error.status_code < 500:
            return pages.page("closed.html", error.status_code, error.headers)
    if isinstance(error, AWAY):
        return pages.page("failed.html", 503)
    log.error("a page failed: %s at %s", type(error).__name__, whereabouts(error))
    return pages.page("failed.html", 500)
