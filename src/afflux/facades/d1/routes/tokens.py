"""Access tokens for issuers (contract: section 3.2)."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response, post

from afflux.config import Settings
from afflux.domain.applications import Facade
from afflux.facades.d1 import assertions
from afflux.facades.d1.auth import DEFAULT_SCOPE, LIFE
from afflux.facades.d1.documented import problems
from afflux.facades.d1.errors import Refused, invalid
from afflux.facades.d1.given import GivenKeyring, GivenRuntime
from afflux.facades.d1.wire.tokens import Token
from afflux.services import tokens
from afflux.web import strict_json
from afflux.web.answers import answer

_GRANT_TYPE = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@post("/authz/v1/oauth2/token", status_code=200, responses=problems(400, token=False))
async def get_token(request: Request[Any, Any, Any], runtime: GivenRuntime, keyring: GivenKeyring) -> Response[Token]:
    """Exchange a signed assertion for an access token, good for 15 minutes."""
    if request.scope["state"]["correlation_is_wrong"]:
        raise invalid("x-correlation-id")
    assertion = _assertion(await _members(request))
    issuer = await assertions.issuer_of(runtime, assertion, _audiences(runtime.settings, request))
    if issuer is None:
        raise Refused(400, "invalid_grant")
    scope = issuer.settings.get("scope", DEFAULT_SCOPE)
    life = runtime.settings.access_token_seconds or LIFE
    token = await tokens.issue(
        keyring, Facade.D1, issuer.public_id, issuer.public_id, runtime.clock.now(), timedelta(seconds=life),
        {"scope": scope},
    )  # fmt: skip
    return answer(Token(token.value, life, scope), headers={"Cache-Control": "no-store", "Pragma": "no-cache"})


async def _members(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """What was sent, as a form or as JSON. Raises `Refused` for another type."""
    types = request.headers.getall("content-type", [])
    body = await request.body()
    if strict_json.is_type(types):
        members = strict_json.decode(body)
        return members if isinstance(members, dict) else {}
    if len(types) == 1 and types[0].partition(";")[0].strip().lower() == _FORM:
        pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
        return dict(pairs) if len(dict(pairs)) == len(pairs) else {}
    raise Refused(400, "invalid_request")


def _assertion(members: dict[str, Any]) -> str:
    """The assertion. Raises `Refused`."""
    grant_type, assertion = members.get("grant_type"), members.get("assertion")
    if not isinstance(grant_type, str) or not grant_type:
        raise Refused(400, "invalid_request")
    if grant_type != _GRANT_TYPE:
        raise Refused(400, "unsupported_grant_type")
    if not isinstance(assertion, str) or not assertion:
        raise Refused(400, "invalid_request")
    return assertion


def _audiences(settings: Settings, request: Request[Any, Any, Any]) -> frozenset[str]:
    """What an assertion may be meant for: the names we were given, and where we are."""
    host, port = request.scope.get("server") or ("", None)
    named = [each.strip() for each in settings.d1_audience.split(",")]
    own = [settings.public_url, *(f"http://{name}:{port}" for name in (host, "localhost"))]
    return frozenset(each.rstrip("/") for each in (*named, *own) if each)


HANDLERS = (get_token,)
