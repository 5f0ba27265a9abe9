"""The facade put together: a sealed application, mounted at `/v1.6`. Its pages are in `widget.consent`."""

from functools import partial

from litestar import Litestar, Router
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ASGIApp

from afflux.facades.digime import given, guide
from afflux.facades.digime.accepting import check_accept
from afflux.facades.digime.errors import refuse
from afflux.facades.digime.requests import Released
from afflux.facades.digime.routes import discovery, keys, legacy, oauth, postbox, sessions, user
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.bodies import LARGEST
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


def create(runtime: Runtime, keyring: Keyring) -> ASGIApp:
    """The facade as an ASGI application. It sees whole paths."""
    return Released(_routed(runtime, keyring), runtime)


def _routed(runtime: Runtime, keyring: Keyring, openapi: OpenAPIConfig | None = None) -> Litestar:
    pushing = Router("/", route_handlers=postbox.HANDLERS, request_max_body_size=postbox.largest(runtime))
    return Litestar(
        [*_USUAL, pushing],
        path="/v1.6",
        dependencies=given.dependencies(runtime, keyring),
        before_request=check_accept,
        exception_handlers={Exception: refuse},
        request_max_body_size=LARGEST,
        openapi_config=openapi,
        logging_config=None,
    )


def documented(runtime: Runtime, keyring: Keyring) -> Dialect:
    """What there is to read about the facade."""
    return Dialect(
        name="digime",
        title="digi.me v1.6",
        version=guide.VERSION,
        sections=guide.sections(runtime.settings.public_url),
        handlers=HANDLERS,
        app=partial(_routed, runtime, keyring),
        schemes=guide.SCHEMES,
        annotate=guide.annotate,
        examples=guide.EXAMPLES,
    )
