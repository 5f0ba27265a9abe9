"""The consent pages put together: a sealed application, mounted at `/apps`."""

from functools import cache
from typing import Any
from urllib.parse import urlsplit

from litestar import Litestar, Request, Response
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp

from afflux.domain.errors import NotFound
from afflux.runtime import Runtime
from afflux.web.bodies import LARGEST
from afflux.web.given import Handing, handed
from afflux.web.pages import Pages, stylesheet
from afflux.web.problems import status_of
from afflux.widget.consent import going, linking
from afflux.widget.consent import pages as consent

HANDLERS = (stylesheet, *consent.HANDLERS, *linking.HANDLERS)


def create(runtime: Runtime) -> ASGIApp:
    """The pages as an ASGI application. It sees whole paths."""
    root = urlsplit(runtime.settings.public_url).path.rstrip("/")
    return Handing(_routed(root + going.HOME), runtime=runtime)


@cache
def _routed(home: str) -> Litestar:
    """`home` is the path of the pages, as browsers know it."""
    pages = Pages("afflux.widget.consent", home)

    def refuse(_: Request[Any, Any, Any], error: Exception) -> Response[str]:
        if isinstance(error, HTTPException) and error.status_code < 500:
            return pages.page("lost.html", error.status_code, error.headers)
        if isinstance(error, NotFound):
            return pages.page("lost.html", 404)
        return pages.page("failed.html", status_of(error))

    return Litestar(
        HANDLERS,
        path=going.HOME,
        dependencies={
            "runtime": handed("runtime"),
            "pages": Provide(lambda: pages, sync_to_thread=False),
        },
        exception_handlers={Exception: refuse},
        request_max_body_size=LARGEST,
        openapi_config=None,
        logging_config=None,
    )
