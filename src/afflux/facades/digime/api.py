"""The facade put together: a sealed application, mounted at `/v1.6`. Its pages are in `widget.consent`."""

from functools import cache, partial

from litestar import Litestar, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ASGIApp, Receive, Scope, Send

from afflux.domain.limits import PerMinute
from afflux.facades.digime import guide
from afflux.facades.digime.accepting import check_accept
from afflux.facades.digime.errors import refuse
from afflux.facades.digime.given import DEPENDENCIES
from afflux.facades.digime.requests import Released
from afflux.facades.digime.routes import discovery, keys, legacy, oauth, postbox, sessions, user
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.bodies import LARGEST
from afflux.web.given import Handing
from afflux.web.openapi import Dialect

_USUAL = (
    *oauth.HANDLERS,
    *sessions.HANDLERS,
    *user.HANDLERS,
    *discovery.HANDLERS,
    *keys.HANDLERS,
    *legacy.HANDLERS,
)
HANDLERS = (*_USUAL, *postbox.HANDLERS)


def older(app: ASGIApp) -> ASGIApp:
    """The facade at `/v1.5`, of which only the services are there: Android's client asks for them under that path."""

    async def renamed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/v1.5/discovery/services":
            scope["path"] = "/v1.6/discovery/services"
        await app(scope, receive, send)

    return renamed


def create(runtime: Runtime, keyring: Keyring) -> ASGIApp:
    """The facade as an ASGI application. It sees whole paths."""
    app = Released(_served(postbox.largest(runtime)), runtime)
    return Handing(app, runtime=runtime, keyring=keyring, limit=PerMinute(runtime.settings.digime_requests))


@cache
def _served(largest_push: int) -> Litestar:
    return _routed(largest_push, None)


def _routed(largest_push: int, openapi: OpenAPIConfig | None) -> Litestar:
    """`largest_push`, in bytes, is how long the body of a push may be."""
    pushing = Router("/", route_handlers=postbox.HANDLERS, request_max_body_size=largest_push)
    return Litestar(
        [*_USUAL, pushing],
        path="/v1.6",
        dependencies=DEPENDENCIES,
        before_request=check_accept,
        exception_handlers={Exception: refuse},
        request_max_body_size=LARGEST,
        openapi_config=openapi,
        logging_config=None,
    )


def documented(runtime: Runtime) -> Dialect:
    """What there is to read about the facade."""
    return Dialect(
        name="digime",
        title="digi.me v1.6",
        version=guide.VERSION,
        sections=guide.sections(runtime.settings.public_url),
        handlers=HANDLERS,
        app=partial(_routed, postbox.largest(runtime)),
        schemes=guide.SCHEMES,
        annotate=guide.annotate,
        examples=guide.EXAMPLES,
    )
