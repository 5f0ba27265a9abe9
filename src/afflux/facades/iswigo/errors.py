"""Iswigo's errors: one JSON object, and the same text as the reason phrase (contract: section 8)."""

import logging
import re
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException

from afflux.domain.errors import Conflict, Forbidden, InvalidInput, NotFound, whereabouts
from afflux.store.database import AWAY
from afflux.web.bodies import BodyTooLarge
from afflux.web.server import REASON
from afflux.web.strict_json import MalformedJson

log = logging.getLogger(__name__)

#: How msgspec names a member that is not there, or whose value cannot be.
_MEMBER = re.compile(r"(?:missing required field `|at `\$\.)(\w+)")

BAD_SIGNATURE = "Client or secret key is invalid"
BAD_TOKEN = "The resource owner or authorization server denied the request."  # noqa: S105 - a text of the contract
EMAIL_TAKEN = "Email already used"
#: RFC 6749, section 5.2, in the words of the reference.
INVALID_GRANT = (
    "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is "
    "invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued "
    "to another client."
)


class Refused(Exception):
    """An answer that is an error, in the contract's words."""

    def __init__(self, status: int, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.headers = headers


class Details(msgspec.Struct):
    """What went wrong."""

    #: The HTTP status.
    code: int
    description: str


class Error(msgspec.Struct):
    """The body of every error."""

    error: Details


def respond(status: int, description: str, headers: dict[str, str] | None = None) -> Response[bytes]:
    """The error as a response."""
    body = msgspec.json.encode(Error(Details(status, description)))
    return Response(body, status_code=status, media_type="application/json", headers=headers)


def refuse(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response to whatever was raised while a request was served."""
    status, description = (400, _missing(request)) if isinstance(error, ValidationException) else _said(error)
    extensions: Any = request.scope.get("extensions") or {}
    if REASON in extensions:
        extensions[REASON](description)
    return respond(status, description, _headers(error))


def _headers(error: Exception) -> dict[str, str] | None:
    """What an error says beside its text, such as which methods are allowed."""
    if isinstance(error, Refused):
        return error.headers
    if isinstance(error, MethodNotAllowedException):
        allowed = (error.headers or {}).get("allow", "").split(", ")
        return {"Allow": ", ".join(method for method in allowed if method != "OPTIONS")}
    return None


def _said(error: Exception) -> tuple[int, str]:
    match error:
        case Refused():
            return error.status, error.description
        case NotFound():
            return 404, "Not Found"
        case Forbidden():
            return 403, "Forbidden"
        case Conflict() | InvalidInput():
            return 400, str(error)
        case MalformedJson():
            return 400, "Malformed JSON"
        case BodyTooLarge():
            return _standard(413)
        case HTTPException():
            return _standard(error.status_code)
    if isinstance(error, AWAY):
        return _standard(503)
    log.error("a request failed: %s at %s", type(error).__name__, whereabouts(error))
    return _standard(500)


def _standard(status: int) -> tuple[int, str]:
    return status, HTTPStatus(status).phrase


def _missing(request: Request[Any, Any, Any]) -> str:
    """What the contract says when there is no body at all."""
    return invalid(request.route_handler.parsed_fn_signature.parameters["data"].annotation, "")


def invalid(kind: Any, complaint: str) -> str:
    """What the contract says of a body of this kind that msgspec complains about: the member that is missing or of the
    wrong type, `body` where it is no object at all.
    """
    member = _MEMBER.search(complaint)
    refusal: str | None = getattr(kind, "refusal", None)
    return refusal or f"Invalid {member[1].replace('_', ' ') if member else 'body'}"
