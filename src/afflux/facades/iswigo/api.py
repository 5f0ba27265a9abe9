"""The facade put together: a sealed application, mounted at `/v1`."""

from litestar import Litestar
from litestar.types import ASGIApp

from afflux.facades.iswigo.auth import SignatureCheck
from afflux.facades.iswigo.errors import refuse
from afflux.facades.iswigo.given import providers
from afflux.facades.iswigo.requests import JsonRequest
from afflux.facades.iswigo.routes import users
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring

HANDLERS = (*users.HANDLERS,)


def create(runtime: Runtime, keyring: Keyring) -> ASGIApp:
    """The facade as an ASGI application. It sees whole paths, since those are what is signed."""
    app = Litestar(
        HANDLERS,
        path="/v1",
        request_class=JsonRequest,
        dependencies=providers(runtime, keyring),
        exception_handlers={Exception: refuse},
        openapi_config=None,
        logging_config=None,
    )
    return SignatureCheck(app, runtime, keyring)
