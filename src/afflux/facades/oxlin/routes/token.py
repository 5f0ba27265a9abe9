"""`POST /token`: every way to get an access token (contract: section 2.1)."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Request, Response, post

from afflux.domain.applications import Registration
from afflux.facades.oxlin import scopes
from afflux.facades.oxlin.auth import seconds_of, token_for_client, token_for_user
from afflux.facades.oxlin.clients import Asked, asked, client_of
from afflux.facades.oxlin.documented import problems
from afflux.facades.oxlin.errors import Refused
from afflux.facades.oxlin.given import GivenKeyring, GivenRuntime
from afflux.facades.oxlin.scopes import OF_CLIENTS, OF_USERS, UnknownScope
from afflux.facades.oxlin.wire.tokens import Token
from afflux.facades.oxlin.wire.values import answer
from afflux.runtime import Runtime
from afflux.services import grants, passwords
from afflux.services.grants import Granted
from afflux.services.keyring import Keyring
from afflux.services.tokens import AccessToken
from afflux.store import users

_NOBODY_KEEPS_IT = {"Cache-Control": "no-store", "Pragma": "no-cache"}


@post("/token", status_code=200, responses=problems(415))
async def create_token(
    request: Request[Any, Any, Any], runtime: GivenRuntime, keyring: GivenKeyring
) -> Response[Token]:
    """Exchange a client's credentials, and what the grant type wants, for an access token."""
    given = await asked(request)
    registration = await client_of(request, runtime, given)
    grant_type = given.required("grant_type")
    if grant_type == "client_credentials":
        return _answer(runtime, *await _for_client(runtime, keyring, registration, given))
    sign_in = _SIGN_INS.get(grant_type)
    if sign_in is None:
        raise Refused(400, "unsupported_grant_type", "This grant type is not known")
    granted, scope = await sign_in(runtime, registration, given)
    token = await token_for_user(runtime, keyring, registration, granted, scope)
    return _answer(runtime, token, scope, granted.refresh_token)


def _answer(
    runtime: Runtime, token: AccessToken, scope: tuple[str, ...], refresh_token: str | None = None
) -> Response[Token]:
    body = Token(token.value, "Bearer", seconds_of(runtime), " ".join(scope), refresh_token)
    return answer(body, headers=_NOBODY_KEEPS_IT)


async def _for_client(
    runtime: Runtime, keyring: Keyring, registration: Registration, given: Asked
) -> tuple[AccessToken, tuple[str, ...]]:
    scope = _scope(given, OF_CLIENTS)
    return await token_for_client(runtime, keyring, registration, scope), scope


async def _by_password(runtime: Runtime, registration: Registration, given: Asked) -> tuple[Granted, tuple[str, ...]]:
    email, password = given.required("username"), given.required("password")
    scope = _scope(given, OF_USERS)
    async with runtime.database.reading() as tx:
        user = await users.by_email(tx, registration.application.id, email)
    if not await passwords.matches(user.password_hash if user else None, password) or user is None:
        raise _invalid_grant("The user is unknown or the password is wrong")
    async with runtime.database.transaction() as tx:
        granted = await grants.give(tx, registration, user.id, scope)
    return _good(granted, "The user is unknown or the password is wrong"), scope


async def _by_refresh(runtime: Runtime, registration: Registration, given: Asked) -> tuple[Granted, tuple[str, ...]]:
    refresh_token = given.required("refresh_token")
    wanted = _scope(given, OF_USERS)
    async with runtime.database.transaction() as tx:
        renewed = await grants.renew(tx, registration, refresh_token)
    granted = _good(renewed, "The refresh token is not good")
    return granted, _narrowed(given, wanted, granted)


async def _by_code(runtime: Runtime, registration: Registration, given: Asked) -> tuple[Granted, tuple[str, ...]]:
    code, verifier = given.required("code"), given.optional("code_verifier")
    async with runtime.database.transaction() as tx:
        granted = await grants.redeem(tx, registration, code, given.optional("redirect_uri"), verifier)
    return (found := _good(granted, "The code is not good")), found.scope


_SIGN_INS: dict[str, Callable[[Runtime, Registration, Asked], Awaitable[tuple[Granted, tuple[str, ...]]]]] = {
    "password": _by_password,
    "refresh_token": _by_refresh,
    "authorization_code": _by_code,
}


def _scope(given: Asked, possible: tuple[str, ...]) -> tuple[str, ...]:
    """What is granted of what is asked for. Raises `Refused`."""
    try:
        return scopes.granted(given.optional("scope"), possible)
    except UnknownScope:
        raise Refused(400, "invalid_scope", "There is no such scope for this grant") from None


def _narrowed(given: Asked, wanted: tuple[str, ...], granted: Granted) -> tuple[str, ...]:
    """What a renewed access token is good for: never more than the first one was."""
    if given.optional("scope") is None:
        return granted.scope
    if not set(wanted) <= set(granted.scope):
        raise Refused(400, "invalid_scope", "More was not granted")
    return wanted


def _good(granted: Granted | None, otherwise: str) -> Granted:
    if granted is None:
        raise _invalid_grant(otherwise)
    return granted


def _invalid_grant(description: str) -> Refused:
    return Refused(400, "invalid_grant", description)


HANDLERS = (create_token,)
