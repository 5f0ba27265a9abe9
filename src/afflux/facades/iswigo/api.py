"""The facade put together: a sealed application, mounted at `/v1`."""

from functools import cache

from litestar import Litestar
from litestar.openapi.config import OpenAPIConfig
from litestar.types import ASGIApp

from afflux.facades.iswigo import guide
from afflux.facades.iswigo.auth import SignatureCheck
from afflux.facades.iswigo.errors import refuse
from afflux.facades.iswigo.given import DEPENDENCIES
from afflux.facades.iswigo.requests import JsonRequest, check_body
from afflux.facades.iswigo.routes import bank, connections, documents, events, funnel, profile, providers, users
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.openapi import Dialect

HANDLERS = (
    *users.HANDLERS,
    *profile.HANDLERS,
    *providers.HANDLERS,
    *connections.HANDLERS,
    *bank.HANDLERS,
    *documents.HANDLERS,
    *funnel.HANDLERS,
    *events.HANDLERS,
)


def create(runtime: Runtime, keyring: Keyring) -> ASGIApp:
    """The facade as an ASGI application. It sees whole paths, since those are what is signed."""
    return SignatureCheck(_served(), runtime, keyring)


@cache
def _served() -> Litestar:
    return _routed(None)


def _routed(openapi: OpenAPIConfig | None) -> Litestar:
    """What is behind the signature."""
    return Litestar(
        HANDLERS,
        path="/v1",
        request_class=JsonRequest,
        dependencies=DEPENDENCIES,
        before_request=check_body,
        exception_handlers={Exception: refuse},
        openapi_config=openapi,
        logging_config=None,
    )


def documented(runtime: Runtime) -> Dialect:
    """What there is to read about the facade."""
    return Dialect(
        name="iswigo",
        title="Iswigo v1",
        version=guide.VERSION,
        sections=guide.sections(runtime.settings.public_url),
        handlers=HANDLERS,
        app=_routed,
        schemes=guide.SCHEMES,
        annotate=guide.annotate,
        examples=guide.EXAMPLES,
    )
