"""Who is asking: an application, or one of its users, by an access token (contract: sections 2.3 and 2.4)."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from litestar import Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from afflux.domain.applications import Facade, Registration
from afflux.domain.principal import Principal, Role
from afflux.domain.users import User
from afflux.facades.oxlin.errors import Refused
from afflux.runtime import Runtime
from afflux.services import tokens
from afflux.services.grants import Granted
from afflux.services.keyring import Keyring
from afflux.store import applications, grants

Connection = ASGIConnection[Any, Any, Any, Any]

#: Seconds that an access token lives (contract: section 2.1).
LIFE = 3600


async def token_for_user(
    runtime: Runtime, keyring: Keyring, registration: Registration, granted: Granted, scope: tuple[str, ...]
) -> tokens.AccessToken:
    """An access token that goes with a token pair."""
    claims = {"scope": " ".join(scope), "jti": str(granted.id)}
    return await _issue(runtime, keyring, registration, str(granted.user_number), claims)


async def token_for_client(
    runtime: Runtime, keyring: Keyring, registration: Registration, scope: tuple[str, ...]
) -> tokens.AccessToken:
    """An access token of the application itself."""
    return await _issue(runtime, keyring, registration, registration.public_id, {"scope": " ".join(scope)})


async def _issue(
    runtime: Runtime, keyring: Keyring, registration: Registration, subject: str, claims: dict[str, str]
) -> tokens.AccessToken:
    now, life = runtime.clock.now(), timedelta(seconds=seconds_of(runtime))
    return await tokens.issue(keyring, Facade.OXLIN, registration.public_id, subject, now, life, claims)


def seconds_of(runtime: Runtime) -> int:
    """How long an access token lives."""
    return runtime.settings.access_token_seconds or LIFE


@dataclass(frozen=True)
class Allowed:
    """Guard: whose tokens are good for a route."""

    #: A user's token has to have one of these scopes, or any where none is named; None: it is not good at all.
    user: tuple[str, ...] | None
    #: The same for a token of the application itself.
    client: tuple[str, ...] | None

    async def __call__(self, connection: Connection, _: BaseRouteHandler) -> None:
        """Let the request through, with who asks in its state. Raises `Refused`."""
        claims = await _authenticate(connection)
        wanted = self.user if "user" in connection.scope["state"] else self.client
        if wanted is None or (wanted and set(wanted).isdisjoint(claims["scope"].split(" "))):
            raise _insufficient()


def by_user(*scopes: str) -> Allowed:
    """Guard: a token that acts for a user and has one of these scopes."""
    return Allowed(user=scopes, client=None)


def by_client(scope: str) -> Allowed:
    """Guard: a token of the application itself with this scope."""
    return Allowed(user=None, client=(scope,))


def by_either(user: str, client: str) -> Allowed:
    """Guard: a user's token with the one scope, or the application's own with the other."""
    return Allowed(user=(user,), client=(client,))


#: Guard: any token that is good.
by_anyone = Allowed(user=(), client=())


async def _authenticate(connection: Connection) -> dict[str, Any]:
    """The claims of the request's token; who that is goes into the request's state. Raises `Refused`."""
    state = connection.scope["state"]
    runtime: Runtime = state["runtime"]
    now = runtime.clock.now()
    claims = await tokens.verify(state["keyring"], Facade.OXLIN, None, _bearer(connection.scope), now)
    if claims is None:
        raise _unauthenticated()
    if claims["sub"] == claims["aud"]:
        state["principal"] = await _client(runtime, claims)
    else:
        user = state["user"] = await _user(runtime, claims)
        state["principal"] = Principal(user.application_id, Role.USER, user.id)
    return claims


async def _client(runtime: Runtime, claims: dict[str, Any]) -> Principal:
    async with runtime.database.reading() as tx:
        registration = await applications.registration(tx, Facade.OXLIN, claims["aud"])
    if registration is None:
        raise _unauthenticated()
    return Principal(registration.application.id, Role.APPLICATION)


async def _user(runtime: Runtime, claims: dict[str, Any]) -> User:
    grant_id, number = UUID(claims["jti"]), int(claims["sub"])
    async with runtime.database.reading() as tx:
        user = await grants.holder(tx, Facade.OXLIN, claims["aud"], grant_id, number)
    if user is None:
        raise _unauthenticated()
    return user


async def user_of_token(runtime: Runtime, keyring: Keyring, registration: Registration, token: str, scope: str) -> User:
    """Whom a token in a body acts for, if it is the application's own and has the scope. Raises `Refused`."""
    claims = await tokens.verify(keyring, Facade.OXLIN, registration.public_id, token, runtime.clock.now())
    if claims is None:
        raise _unauthenticated()
    if claims["sub"] == claims["aud"] or scope not in claims["scope"].split(" "):
        raise _insufficient()
    return await _user(runtime, claims)


def _bearer(scope: Any) -> str:
    """What follows `Bearer` in the one `Authorization` header; empty without one."""
    values = [bytes(value).decode("latin-1") for key, value in scope["headers"] if key == b"authorization"]
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def _unauthenticated() -> Refused:
    return Refused(
        401, "invalid_token", "The access token is missing, wrong or over", headers={"WWW-Authenticate": "Bearer"}
    )


def _insufficient() -> Refused:
    return Refused(403, "insufficient_scope", "The access token is not good for this")


def principal_of(request: Request[Any, Any, Any]) -> Principal:
    """Dependency: on whose wish the request is served."""
    principal: Principal = request.scope["state"]["principal"]
    return principal


def user_of(request: Request[Any, Any, Any]) -> User:
    """Dependency: whom the token acts for."""
    user: User = request.scope["state"]["user"]
    return user
