"""Requests as this facade reads them."""

from typing import Any

from litestar import Request

from afflux.facades.iswigo.errors import Refused
from afflux.web import strict_json


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is JSON, strictly."""

    async def json(self) -> Any:
        """The body as a value. Raises `Refused` for another type and `MalformedJson`."""
        if not strict_json.is_type(self.headers.getall("content-type", [])):
            raise Refused(415, "Unsupported Media Type")
        return strict_json.decode(await self.body())


async def refuse_body(request: Request[Any, Any, Any]) -> None:
    """Before a request is served: a body where the contract has none. Raises `Refused`."""
    if request.method in ("GET", "DELETE") and await request.body():
        raise Refused(400, "Unexpected body")
