"""Oxlin's errors: a code and a sentence (contract: section 6)."""

from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException

from afflux.domain.errors import Conflict, InvalidInput, NotFound
from afflux.web.bodies import BodyTooLarge
from afflux.web.problems import status_of
from afflux.web.strict_json import MalformedJson

JSON = "application/json;charset=UTF-8"

_CODES = {
    400: "BAD_PARAMETER",
    404: "RESOURCE_UNKNOWN",
    405: "METHOD_NOT_ALLOWED",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL_ERROR",
    503: "SERVICE_UNAVAILABLE",
}
_TEXTS = {
    404: "There is no such resource",
    405: "This resource does not know this method",
    413: "The body is larger than 1 MiB",
    415: "The body has to be JSON",
    500: "Something went wrong on our side",
    503: "The service is away for a moment",
}


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, status: int, code: str, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(description)
        self.status = status
        self.code = code
        self.description = description
        self.headers = headers


class Error(msgspec.Struct, omit_defaults=True):
    """The body of every error."""

    error: str
    error_description: str
    #: The resource that was asked for.
    id: str | None = None


def missing(name: str) -> Refused:
    """A required parameter is not there."""
    return Refused(400, "PARAMETER_MISSING", f"{name} is missing")


def bad(name: str) -> Refused:
    """A parameter's value cannot be."""
    return Refused(400, "BAD_PARAMETER", f"{name} is not valid")


def refuse(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response to whatever was raised while a request was served."""
    refused = _refused(error)
    resource = request.scope["path"].removeprefix("/v2.1") if refused.code == "RESOURCE_UNKNOWN" else None
    body = msgspec.json.encode(Error(refused.code, refused.description, resource))
    return Response(body, status_code=refused.status, media_type=JSON, headers=refused.headers)


def _refused(error: Exception) -> Refused:
    match error:
        case Refused():
            return error
        case NotFound():
            return _standard(404)
        case Conflict():
            return Refused(409, "INVALID_STATE", str(error))
        case InvalidInput():
            return Refused(400, "BAD_PARAMETER", str(error))
        case MalformedJson():
            return Refused(400, "FORMAT_ERROR", "The body is not valid JSON")
        case BodyTooLarge():
            return _standard(413)
        case ValidationException():
            return _invalid(error)
        case MethodNotAllowedException():
            return _standard(405, _allowed(error))
        case HTTPException() if error.status_code in _TEXTS:
            return _standard(error.status_code)
    return _standard(status_of(error))


def _allowed(error: MethodNotAllowedException) -> dict[str, str]:
    methods = (error.headers or {}).get("allow", "").split(", ")
    return {"Allow": ", ".join(method for method in methods if method != "OPTIONS")}


def _standard(status: int, headers: dict[str, str] | None = None) -> Refused:
    return Refused(status, _CODES[status], _TEXTS[status], headers)


def _invalid(error: ValidationException) -> Refused:
    """The parameter that is wrong; bodies were looked at before."""
    first = next((each for each in error.extra or () if isinstance(each, dict)), {})
    return bad(str(first.get("key", "a parameter")))
