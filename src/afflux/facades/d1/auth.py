"""Who is asking: an issuer with an access token, got for an assertion that it signed (contract: section 3)."""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Guard

from afflux.domain.applications import Facade
from afflux.domain.principal import Principal, Role
from afflux.facades.d1.errors import Refused, invalid
from afflux.runtime import Runtime
from afflux.services import tokens
from afflux.services.keyring import Keyring
from afflux.store import applications

#: Seconds.
LIFE = 900
READ, FULL = "d1-api:consumer:read", "d1-api:consumer:full"
#: What an issuer is granted unless its registration says less.
DEFAULT_SCOPE = "d1-api:account:full d1-api:card:full d1-api:consumer:full"

ISSUER_PATTERN, ID_PATTERN = r"^[A-Za-z0-9_-]{10}$", r"^[A-Za-z0-9_-]{1,64}$"
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ISSUER = re.compile(r"[A-Za-z0-9_-]{10}")
#: Path parameters in the order in which they are looked at: name on the wire, and what it has to be.
_PARAMETERS = {
    "issuer_id": ("issuerId", _ISSUER),
    "consumer_id": ("consumerId", _ID),
    "operation_id": ("operationId", _ID),
}


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose token a request carries."""

    id: str
    application_id: UUID
    scope: frozenset[str]

    @property
    def principal(self) -> Principal:
        """On whose wish the request is served."""
        return Principal(self.application_id, Role.APPLICATION)


def entitled(*scopes: str) -> Guard:
    """Guard: the token is good (401), path and headers are well-formed (400), and the token's issuer is the one in the
    path and has one of these scopes (403).
    """

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        issuer = await _issuer(connection)
        _check(connection)
        if connection.path_params["issuer_id"] != issuer.id or not issuer.scope & set(scopes):
            raise Refused(403)
        connection.scope["state"]["issuer"] = issuer

    return guard


async def _issuer(connection: ASGIConnection[Any, Any, Any, Any]) -> Issuer:
    """Whose token it is. Raises `Refused`, also when its issuer is no longer registered."""
    state = connection.scope["state"]
    runtime: Runtime = state["runtime"]
    keyring: Keyring = state["keyring"]
    claims = await tokens.verify(keyring, Facade.D1, None, _bearer(connection), runtime.clock.now())
    if claims is None:
        raise Refused(401)
    async with runtime.database.reading() as tx:
        registration = await applications.registration(tx, Facade.D1, str(claims["sub"]))
    if registration is None:
        raise Refused(401)
    return Issuer(registration.public_id, registration.application.id, frozenset(str(claims["scope"]).split()))


def _bearer(connection: ASGIConnection[Any, Any, Any, Any]) -> str:
    """What follows `Bearer` in the one `Authorization` header; empty without one."""
    values = connection.headers.getall("authorization", [])
    scheme, _, token = values[0].partition(" ") if len(values) == 1 else ("", "", "")
    return token.strip() if scheme.lower() == "bearer" else ""


def _check(connection: ASGIConnection[Any, Any, Any, Any]) -> None:
    for name, value in connection.path_params.items():
        on_the_wire, pattern = _PARAMETERS[name]
        if not pattern.fullmatch(value):
            raise invalid(on_the_wire)
    if connection.scope["state"]["correlation_is_wrong"]:
        raise invalid("x-correlation-id")


def issuer_of(request: ASGIConnection[Any, Any, Any, Any]) -> Issuer:
    """Dependency: whose token the request carries."""
    issuer: Issuer = request.scope["state"]["issuer"]
    return issuer
