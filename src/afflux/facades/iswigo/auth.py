"""Who is asking: first the application by its signature, then the user by a token, then the right (contract: 3)."""

import re
import time
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_to_bytes
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from afflux.domain.applications import Application, Facade
from afflux.domain.errors import Forbidden, NotFound
from afflux.domain.limits import PerMinute
from afflux.domain.principal import Principal, Role
from afflux.domain.users import User
from afflux.facades.iswigo import errors
from afflux.facades.iswigo.errors import BAD_SIGNATURE, BAD_TOKEN, Refused
from afflux.facades.iswigo.recent import RecentTokens
from afflux.facades.iswigo.signature import is_signed
from afflux.runtime import Runtime
from afflux.services import places, tokens
from afflux.services.keyring import Keyring
from afflux.store import applications, users
from afflux.web import bodies
from afflux.web.given import hand
from afflux.web.server import TARGET

#: Of an access token (contract: section 3.2).
LIFE = timedelta(hours=1)
#: Seconds for which an application and its secret are not looked up again.
_FRESH = 5.0
#: Signed with in place of the secret of an application that does not exist, so that both cases take the same time.
_NOBODY = b"-"
#: What a decoded path can be; without this, `9_99` would pass for a number and `{…}` for an id.
_PATH = re.compile(r"(?:/[A-Za-z0-9-]+)+")


class SignatureCheck:
    """ASGI: lets through what an application signed, and says so in `scope["state"]["application"]`."""

    def __init__(self, app: ASGIApp, runtime: Runtime, keyring: Keyring) -> None:
        self._app = app
        self._runtime = runtime
        self._keyring = keyring
        self._known: dict[str, tuple[float, Application, bytes]] = {}
        self._recent = RecentTokens()
        self._limit = PerMinute(runtime.settings.iswigo_requests)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            body = await bodies.read(receive)
            application = await self._application(scope, body)
            self._check_rate(application)
            _check_target(scope)
        except bodies.ClientGone:
            return
        except Exception as error:
            response = errors.refuse(Request(scope), error)
            await response.to_asgi_response(app=None, request=Request(scope))(scope, receive, send)
            return
        hand(
            scope,
            runtime=self._runtime,
            keyring=self._keyring,
            recent=self._recent,
            application=application,
            body=body,
        )
        _unask_options(scope)
        await self._app(scope, bodies.again(body, receive), send)

    async def _application(self, scope: Any, body: bytes) -> Application:
        """Whose signature this is. Raises `Refused`, alike for an unknown application and a wrong signature."""
        name, given = _header(scope, b"x-iswigo-app"), _header(scope, b"x-iswigo-signature")
        application, secret = await self._secret_of(name.decode("latin-1"))
        right = is_signed(given, secret, scope["method"], _target(scope), body)
        if not right or application is None:
            raise Refused(401, BAD_SIGNATURE)
        return application

    def _check_rate(self, application: Application) -> None:
        """Raises `Refused` for one that asks more often than the operator lets it."""
        wait = self._limit.wait(application.id, self._runtime.clock.now().timestamp())
        if wait:
            raise Refused(429, "Too Many Requests", {"Retry-After": str(wait)})

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


def _target(scope: Any) -> bytes:
    """The request target as it was received, or the nearest to it where the server does not tell."""
    query = scope["query_string"]
    seen: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    received: bytes = scope.get("extensions", {}).get(TARGET, seen)
    return received


def _check_target(scope: Any) -> None:
    """Raise `Refused` for what is no text, and for a path that only looks like one of ours."""
    try:
        text = unquote_to_bytes(_target(scope)).decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise Refused(400, "Bad Request")
    if not _PATH.fullmatch(scope["path"]):
        raise Refused(404, "Not Found")


def _unask_options(scope: Any) -> None:
    """Make OPTIONS a method that no route has; Litestar would answer it by itself."""
    if scope["method"] == "OPTIONS":
        scope["method"] = "TRACE"


def _header(scope: Any, name: bytes) -> bytes:
    """The value of a header that has to be there exactly once. Raises `Refused`."""
    values = [value for key, value in scope["headers"] if key == name]
    if len(values) != 1:
        raise Refused(401, BAD_SIGNATURE)
    return bytes(values[0])


async def issue_token(runtime: Runtime, keyring: Keyring, application: Application, user: User) -> tokens.AccessToken:
    """A new access token for the user."""
    life = life_of_token(runtime)
    return await tokens.issue(keyring, Facade.ISWIGO, application.name, str(user.id), runtime.clock.now(), life)


def life_of_token(runtime: Runtime) -> timedelta:
    """How long an access token holds."""
    seconds = runtime.settings.access_token_seconds
    return LIFE if seconds is None else timedelta(seconds=seconds)


async def with_token(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the request carries the access token of a user. Raises `Refused`."""
    state = connection.scope["state"]
    runtime: Runtime = state["runtime"]
    application: Application = state["application"]
    token = _bearer(connection.scope)
    claims = await tokens.verify(state["keyring"], Facade.ISWIGO, application.name, token, runtime.clock.now())
    if claims is None:
        raise Refused(401, BAD_TOKEN)
    try:
        async with runtime.database.reading() as tx:
            state["user"] = await users.by_id(tx, application.id, UUID(str(claims.get("sub"))))
    except (NotFound, ValueError):
        raise Refused(401, BAD_TOKEN) from None
    state["recent"].keep(application.id, token, state["user"], claims["exp"])


async def with_recent_token(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Guard: as `with_token`, but a token that was right a moment ago still is. For routes that read what the user has;
    the user himself may have changed since.
    """
    state = connection.scope["state"]
    now = state["runtime"].clock.now()
    user = state["recent"].user(state["application"].id, _bearer(connection.scope), now)
    if user is None:
        await with_token(connection, handler)
    else:
        state["user"] = user


def _bearer(scope: Any) -> str:
    """What follows `Bearer` in the one `Authorization` header; empty without one."""
    values = [bytes(value).decode("latin-1") for key, value in scope["headers"] if key == b"authorization"]
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def with_psd2(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Guard: the application may do itself what others leave to the connect page. Raises `Forbidden`."""
    if not connection.scope["state"]["application"].psd2:
        raise Forbidden("Forbidden")


# Each dependency asks for the runtime too, although it is in no need of it: what Litestar may resolve side by side, it
# resolves in a task for each, and that costs ten times as much.


def application_of(request: Request[Any, Any, Any], runtime: NamedDependency[Runtime]) -> Application:
    """Dependency: who signed the request."""
    application: Application = request.scope["state"]["application"]
    return application


def user_of(request: Request[Any, Any, Any], runtime: NamedDependency[Runtime]) -> User:
    """Dependency: whose token the request carries."""
    user: User = request.scope["state"]["user"]
    return user


def principal_of(request: Request[Any, Any, Any], runtime: NamedDependency[Runtime]) -> Principal:
    """Dependency: on whose wish the request is served."""
    application_id = request.scope["state"]["application"].id
    user: User | None = request.scope["state"].get("user")
    if user is None:
        return Principal(application_id, Role.APPLICATION)
    return Principal(application_id, Role.USER, user.id)
