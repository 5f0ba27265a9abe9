"""Requests as this facade reads them."""

from typing import Any

from litestar import Request

from afflux.facades.d1.errors import Refused, invalid
from afflux.web import strict_json


class OptionalJsonRequest(Request[Any, Any, Any]):
    """A request whose body is a JSON object, strictly, or nothing at all."""

    async def body(self) -> bytes:
        """The body; an empty object in place of none, since Litestar would not ask `json` then."""
        return await super().body() or b"{}"

    async def json(self) -> Any:
        """The object; empty where there is no body. Raises `Refused` for another type and `MalformedJson`."""
        body = await super().body()
        if not body:
            return {}
        if not strict_json.is_type(self.headers.getall("content-type", [])):
            raise Refused(415)
        value = strict_json.decode(body)
        if not isinstance(value, dict):
            raise invalid("body")
        return value


async def refuse_body(request: Request[Any, Any, Any]) -> None:
    """Before a request is served: a body where the contract has none. Raises `Refused`."""
    sized = request.headers.get("content-length", "0") != "0" or "transfer-encoding" in request.headers
    if request.method == "GET" and sized:
        raise Refused(400, "Unexpected body")
