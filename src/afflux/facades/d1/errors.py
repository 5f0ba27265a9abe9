"""D1's errors: one JSON object with one text, for people who look for what went wrong (contract: section 10)."""

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, ValidationException

from afflux.domain.errors import Conflict, InvalidInput, NotFound, whereabouts
from afflux.store.database import AWAY
from afflux.web.strict_json import MalformedJson

log = logging.getLogger(__name__)

#: What is said where nothing more is known.
_TEXTS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    405: "Method not allowed",
    409: "Operation already in progress",
    413: "Request body too large",
    415: "Unsupported media type",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


class Refused(Exception):
    """An answer that is an error; without a text, with the one that goes with its status."""

    def __init__(self, status: int, text: str | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text or _TEXTS[status]


class Error(msgspec.Struct):
    """The body of every error. Its text may change; no program should read it."""

    error: str


def invalid(name: str) -> Refused:
    """The refusal of a parameter, header or member."""
    return Refused(400, f"Invalid value for {name}")


def refuse(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The response to whatever was raised while a request was served."""
    status, text = _said(error)
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else _allow(error)
    return Response(
        msgspec.json.encode(Error(text)), status_code=status, media_type="application/json", headers=headers
    )


def _allow(error: Exception) -> dict[str, str] | None:
    if not isinstance(error, MethodNotAllowedException):
        return None
    allowed = (error.headers or {}).get("allow", "").split(", ")
    return {"Allow": ", ".join(method for method in allowed if method != "OPTIONS")}


def _said(error: Exception) -> tuple[int, str]:
    match error:
        case Refused():
            return error.status, error.text
        case MalformedJson():
            return 400, "Malformed JSON"
        case ValidationException():
            return 400, invalid(_parameter(error)).text
        case NotFound():
            return 404, str(error).capitalize()
        case Conflict():
            return 409, _TEXTS[409]
        case InvalidInput():
            return 400, str(error)
        case HTTPException():
            return error.status_code, _TEXTS.get(error.status_code, _TEXTS[400])
    if isinstance(error, AWAY):
        return 503, _TEXTS[503]
    log.error("a request failed: %s at %s", type(error).__name__, whereabouts(error))
    return 500, _TEXTS[500]


def _parameter(error: ValidationException) -> str:
    """The parameter or member that is missing or not as it has to be."""
    first = next((each for each in error.extra or () if isinstance(each, dict)), {})
    key = str(first.get("key", "body"))
    return "body" if key == "data" else key.partition(".")[0].partition("[")[0]
