"""The facade put together: a sealed application, mounted at `/banking` and `/authz`."""

from functools import cache

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.types import ASGIApp

from afflux.facades.d1 import guide
from afflux.facades.d1.correlation import Correlated
from afflux.facades.d1.errors import refuse
from afflux.facades.d1.given import DEPENDENCIES
from afflux.facades.d1.requests import OptionalJsonRequest, refuse_body
from afflux.facades.d1.routes import consumers, operations, tokens
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.bodies import LARGEST
from afflux.web.given import Handing
from afflux.web.openapi import Dialect

HANDLERS = (*tokens.HANDLERS, *consumers.HANDLERS, *operations.HANDLERS)


def create(runtime: Runtime, keyring: Keyring) -> ASGIApp:
    """The facade as an ASGI application. It sees whole paths."""
    return Handing(Correlated(_served()), runtime=runtime, keyring=keyring)


@cache
def _served() -> Litestar:
    return _routed(None)


def _routed(openapi: OpenAPIConfig | None) -> Litestar:
    return Litestar(
        HANDLERS,
        request_class=OptionalJsonRequest,
        request_max_body_size=LARGEST,
        dependencies=DEPENDENCIES,
        before_request=refuse_body,
        exception_handlers={Exception: refuse},
        openapi_config=openapi,
        logging_config=None,
    )


def documented(runtime: Runtime) -> Dialect:
    """What there is to read about the facade."""
    return Dialect(
        name="d1",
        title="Thales D1 v1, consumer operations",
        version=guide.VERSION,
        sections=guide.sections(runtime.settings.public_url),
        handlers=HANDLERS,
        app=_routed,
        schemes=guide.SCHEMES,
        annotate=guide.annotate,
        examples=guide.EXAMPLES,
    )
