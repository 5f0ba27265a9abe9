"""Requests as this facade reads them."""

import re
from typing import Any, get_args

import msgspec
from litestar import Request
from litestar.params import QueryParameter

from afflux.facades.oxlin.errors import Refused, bad, missing
from afflux.web import strict_json

#: How msgspec names a member that is not there, and where a value of a wrong type is.
_MISSING = re.compile(r"missing required field `(\w+)`")
_PLACE = re.compile(r"`\$\.(.+)`$")
#: What a request without a body is read as.
NOTHING = b"{}"


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is JSON, strictly; no body at all counts as an empty object."""

    async def body(self) -> bytes:
        """What was sent; an empty object where nothing was, so that no route misses its body."""
        return await super().body() or NOTHING

    async def json(self) -> Any:
        """The body as the value its route wants. Raises `Refused` and `MalformedJson`."""
        body = await self.body()
        if body is not NOTHING and not strict_json.is_type(self.headers.getall("content-type", [])):
            raise Refused(415, "UNSUPPORTED_MEDIA_TYPE", "The body has to be JSON")
        value = strict_json.decode(body)
        wanted = self.route_handler.parsed_fn_signature.parameters.get("data")
        return value if wanted is None else _converted(value, wanted.annotation)


def _converted(value: Any, kind: Any) -> Any:
    """Converted here, since Litestar would take the text `true` for a boolean. Raises `Refused`."""
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _wrong(str(error)) from None


def _wrong(said: str) -> Refused:
    """What msgspec says of a body, in the facade's words."""
    absent, place = _MISSING.search(said), _PLACE.search(said)
    if absent:
        return missing(absent[1])
    if place and said.startswith("Invalid enum value"):
        return bad(place[1])
    return Refused(400, "FORMAT_ERROR", f"{place[1]} has a wrong type" if place else "The body has to be an object")


async def look_twice(request: Request[Any, Any, Any]) -> None:
    """Before a request is served: what the framework lets through and the contract does not. Raises `Refused`."""
    sized = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if request.method in ("GET", "DELETE") and sized:
        raise Refused(400, "FORMAT_ERROR", "There is no body to this request")
    for name, parameter in request.route_handler.parsed_fn_signature.parameters.items():
        if isinstance(parameter.kwarg_definition, QueryParameter):
            _check_values(name, parameter.annotation, request.query_params.getall(name, []))


def _check_values(name: str, kind: Any, values: list[str]) -> None:
    """Raises `Refused` for a parameter of the query that cannot be meant."""
    # The framework takes the last of several, and `null` for none at all, even where it is no text.
    absent = "null" in (value.lower() for value in values) and str not in (kind, *get_args(kind))
    if absent or len(values) > 1:
        raise bad(name)
