"""The facade put together: a sealed application, mounted at `/v2.1`, `/token` and `/signin`.

The vendor has three hosts: of the API, of tokens, and of the widget. Here they are one.
"""

from functools import cache, partial
from urllib.parse import urlsplit

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ASGIApp

from afflux.facades.oxlin import guide
from afflux.facades.oxlin.edge import Edge
from afflux.facades.oxlin.errors import refuse
from afflux.facades.oxlin.given import DEPENDENCIES
from afflux.facades.oxlin.requests import JsonRequest, look_twice
from afflux.facades.oxlin.routes import (
    accounts,
    categories,
    challenges,
    connections,
    providers,
    queues,
    signin,
    synchronise,
    token,
    transactions,
    users,
    widget,
)
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.bodies import LARGEST
from afflux.web.openapi import Dialect
from afflux.web.pages import Pages, bank_picture, stylesheet

#: Below `/v2.1`, for whoever has an access token.
HANDLERS = (
    *users.HANDLERS,
    *providers.HANDLERS,
    *categories.HANDLERS,
    *connections.HANDLERS,
    *synchronise.HANDLERS,
    *challenges.HANDLERS,
    *queues.HANDLERS,
    *accounts.HANDLERS,
    *transactions.HANDLERS,
)


def create(runtime: Runtime, keyring: Keyring) -> ASGIApp:
    """The facade as an ASGI application. It sees whole paths."""
    return Edge(_served(_home(runtime)), runtime, keyring)


def _home(runtime: Runtime) -> str:
    """The path of the pages, as browsers know it."""
    return urlsplit(runtime.settings.public_url).path.rstrip("/") + "/signin"


@cache
def _served(home: str) -> Litestar:
    return _routed(home, None)


def _routed(home: str, openapi: OpenAPIConfig | None) -> Litestar:
    pages = Pages("afflux.facades.oxlin", home)
    return Litestar(
        [
            *token.HANDLERS,
            Router("/v2.1", route_handlers=[*HANDLERS, *widget.HANDLERS]),
            *signin.HANDLERS,
            Router("/signin", route_handlers=[stylesheet, bank_picture]),
        ],
        request_class=JsonRequest,
        request_max_body_size=LARGEST,
        dependencies=DEPENDENCIES | {"pages": Provide(lambda: pages, sync_to_thread=False)},
        before_request=look_twice,
        exception_handlers={Exception: refuse},
        openapi_config=openapi,
        logging_config=None,
    )


def documented(runtime: Runtime) -> Dialect:
    """What there is to read about the facade."""
    return Dialect(
        name="oxlin",
        title="Oxlin v2.1",
        version=guide.VERSION,
        sections=guide.sections(runtime.settings.public_url),
        handlers=(*token.HANDLERS, *HANDLERS, *widget.HANDLERS),
        app=partial(_routed, _home(runtime)),
        schemes=guide.SCHEMES,
        annotate=guide.annotate,
        examples=guide.EXAMPLES,
    )
