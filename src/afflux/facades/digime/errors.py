"""digi.me's errors: a code, a sentence and a reference, in the body and in headers (contract: section 4)."""

import logging
import secrets
import string
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException

from afflux.domain.errors import AffluxError, Conflict, InvalidInput, NotFound
from afflux.web.bodies import BodyTooLarge
from afflux.web.problems import status_of
from afflux.web.strict_json import MalformedJson

log = logging.getLogger(__name__)

_LETTERS = string.ascii_letters + string.digits
#: Characters of a message.
_LONGEST = 300


class Refused(Exception):
    """An answer that is an error, in the contract's words."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.headers = headers or {}
        self.status = status
        self.code = code
        self.message = message


class Details(msgspec.Struct):
    """What went wrong."""

    code: str
    message: str
    #: Names this one answer, for asking its operator about it.
    reference: str


class Error(msgspec.Struct):
    """The body of every error."""

    error: Details


def invalid_jwt() -> Refused:
    """The request's token is no good."""
    return Refused(401, "InvalidJWT", "The provided JSON Web Token (JWT) is invalid")


def invalid_token(type: str) -> Refused:
    """A token or code of ours is unknown, over or taken back."""
    return Refused(401, "InvalidToken", f"The token ({type}) is invalid")


def invalid_token_type(given: str, expected: str) -> Refused:
    """A token of ours is good, but not for this."""
    message = f"The token_type ({given}) is invalid, expected token_type ({expected})"
    return Refused(400, "InvalidTokenType", message)


def invalid_request(what: str) -> Refused:
    """Header or payload of the request's token are not as they have to be."""
    return Refused(400, "InvalidRequest", what)


def invalid_grant(given: str, expected: str) -> Refused:
    """The grant type is another one than there are."""
    return Refused(400, "InvalidGrant", f"The grant_type ({given}) is invalid, expected grant_type ({expected})")


def invalid_client(client_id: str) -> Refused:
    """Nobody has this client id."""
    return Refused(400, "InvalidClient", f"The client_id ({client_id}) is invalid")


def invalid_redirect(uri: str) -> Refused:
    """The address is none of the contract's."""
    return Refused(400, "InvalidRedirectUri", f"The redirect_uri ({uri}) is invalid")


def validation(what: str, status: int = 400) -> Refused:
    """A path, a header or a body is malformed."""
    return Refused(status, "ValidationErrors", f"Parameter validation errors: {what}")


def wrong_contract() -> Refused:
    """The contract is for something else."""
    return Refused(400, "InvalidContractDataRequest", "The contract does not allow this request")


def not_found() -> Refused:
    """There is no such thing."""
    return Refused(404, "NotFound", "The requested resource was not found")


def invalid_session(status: int = 401) -> Refused:
    """The session is unknown or over."""
    return Refused(status, "SessionInvalid", "The session key is invalid")


def too_many(seconds: int) -> Refused:
    """The contract has to wait so long."""
    return Refused(429, "TooManyRequests", "Too many requests", {"Retry-After": str(seconds)})


def refuse(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response to whatever was raised while a request was served."""
    refused = _refused(error)
    message = _in_one_line(refused.message)
    reference = "".join(secrets.choice(_LETTERS) for _ in range(32))
    headers = {
        "X-Error-Code": refused.code,
        "X-Error-Message": message,
        "X-Error-Reference": reference,
        "Cache-Control": "no-store",
        **refused.headers,
        # What HTTP wants said of the methods there are.
        **((error.headers or {}) if isinstance(error, HTTPException) else {}),
    }
    if refused.status >= 500:
        log.error("answered %d with the reference %s", refused.status, reference)
    body = msgspec.json.encode(Error(Details(refused.code, message, reference)))
    return Response(body, status_code=refused.status, media_type="application/json", headers=headers)


def _in_one_line(message: str) -> str:
    """The message as a header can say it, since header and body say the same."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in message[:_LONGEST])


def _refused(error: Exception) -> Refused:
    match error:
        case Refused():
            return error
        case NotFound():
            return not_found()
        case MalformedJson():
            return validation("the body is not valid JSON")
        case InvalidInput() | Conflict():
            return validation(str(error))
        case BodyTooLarge():
            return validation("the body is too large", 413)
        case ValidationException():
            return validation("a parameter has a wrong form")
        case HTTPException() if error.status_code < 500:
            return _standard(error.status_code)
        case AffluxError():
            return Refused(500, "InternalServerError", str(error))
    status = status_of(error)
    return Refused(status, "InternalServerError", "Something went wrong on our side; please try again")


def _standard(status: int) -> Refused:
    """An error of HTTP itself."""
    if status == HTTPStatus.NOT_FOUND:
        return not_found()
    phrase = HTTPStatus(status).phrase
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return Refused(status, "MethodNotAllowed", phrase)
    return validation(phrase.lower(), status)
