"""Who is asking: first the application by its signature, then the user by a token, then the right (contract: 3)."""

import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from afflux.domain.applications import Application, Facade
from afflux.domain.errors import Forbidden, NotFound
from afflux.domain.principal import Principal, Role
from afflux.domain.users import User
from afflux.facades.iswigo import errors
from afflux.facades.iswigo.errors import BAD_SIGNATURE, BAD_TOKEN, Refused
from afflux.facades.iswigo.signature import is_signed
from afflux.runtime import Runtime
from afflux.services import places, tokens
from afflux.services.keyring import Keyring
from afflux.store import applications, users
from afflux.web import bodies

#: Of an access token (contract: section 3.2).
LIFE = timedelta(hours=1)
#: Seconds for which an application and its secret are not looked up again.
_FRESH = 5.0
#: Signed with in place of the secret of an application that does not exist, so that both cases take the same time.
_NOBODY = b"-"


class SignatureCheck:
    """ASGI: lets through what an application signed, and says so in `scope["state"]["application"]`."""

    def __init__(self, app: ASGIApp, runtime: Runtime, keyring: Keyring) -> None:
        self._app = app
        self._runtime = runtime
        self._keyring = keyring
        self._known: dict[str, tuple[float, Application, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            body = await bodies.read(receive)
            application = await self._application(scope, body)
        except Exception as error:
            response = errors.refuse(Request(scope), error)
            await response.to_asgi_response(app=None, request=Request(scope))(scope, receive, send)
            return
        scope["state"] = {"runtime": self._runtime, "keyring": self._keyring, "application": application}
        await self._app(scope, bodies.again(body, receive), send)

    async def _application(self, scope: Any, body: bytes) -> Application:
        """Whose signature this is. Raises `Refused`, alike for an unknown application and a wrong signature."""
        name, given = _header(scope, b"x-iswigo-app"), _header(scope, b"x-iswigo-signature")
        application, secret = await self._secret_of(name.decode("latin-1"))
        target = scope["raw_path"] + (b"?" + scope["query_string"] if scope["query_string"] else b"")
        right = is_signed(given, secret, scope["method"], target, body)
        if not right or application is None:
            raise Refused(401, BAD_SIGNATURE)
        return application

    async def _secret_of(self, name: str) -> tuple[Application | None, bytes]:
        until, application, secret = self._known.get(name, (0.0, None, _NOBODY))
        if time.monotonic() < until:
            return application, secret
        async with self._runtime.database.reading() as tx:
            found = None if "\0" in name else await applications.registration(tx, Facade.ISWIGO, name)
        if found is None or found.secret_sealed is None:
            return None, _NOBODY
        place = places.application_secret(found.application.id, found.id)
        secret = self._runtime.vault.root.open(place, found.secret_sealed)
        self._known[name] = (time.monotonic() + _FRESH, found.application, secret)
        return found.application, secret


def _header(scope: Any, name: bytes) -> bytes:
    """The value of a header that has to be there exactly once. Raises `Refused`."""
    values = [value for key, value in scope["headers"] if key == name]
    if len(values) != 1:
        raise Refused(401, BAD_SIGNATURE)
    return bytes(values[0])


async def issue_token(runtime: Runtime, keyring: Keyring, application: Application, user: User) -> tokens.AccessToken:
    """A new access token for the user."""
    seconds = runtime.settings.access_token_seconds
    life = LIFE if seconds is None else timedelta(seconds=seconds)
    return await tokens.issue(keyring, Facade.ISWIGO, application.name, str(user.id), runtime.clock.now(), life)


async def with_token(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the request carries the access token of a user. Raises `Refused`."""
    state = connection.scope["state"]
    runtime: Runtime = state["runtime"]
    application: Application = state["application"]
    claims = await tokens.verify(
        state["keyring"], Facade.ISWIGO, application.name, _bearer(connection.scope), runtime.clock.now()
    )
    if claims is None:
        raise Refused(401, BAD_TOKEN)
    try:
        async with runtime.database.reading() as tx:
            state["user"] = await users.by_id(tx, application.id, UUID(claims["sub"]))
    except NotFound:
        raise Refused(401, BAD_TOKEN) from None


def _bearer(scope: Any) -> str:
    """What follows `Bearer` in the one `Authorization` header; empty without one."""
    values = [bytes(value).decode("latin-1") for key, value in scope["headers"] if key == b"authorization"]
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def with_psd2(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the application may do itself what others leave to the connect page. Raises `Forbidden`."""
    if not connection.scope["state"]["application"].psd2:
        raise Forbidden("Forbidden")


def application_of(request: Request[Any, Any, Any]) -> Application:
    """Dependency: who signed the request."""
    application: Application = request.scope["state"]["application"]
    return application


def user_of(request: Request[Any, Any, Any]) -> User:
    """Dependency: whose token the request carries."""
    user: User = request.scope["state"]["user"]
    return user


def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """Dependency: on whose wish the request is served."""
    application_id = application_of(request).id
    user: User | None = request.scope["state"].get("user")
    if user is None:
        return Principal(application_id, Role.APPLICATION)
    return Principal(application_id, Role.USER, user.id)
