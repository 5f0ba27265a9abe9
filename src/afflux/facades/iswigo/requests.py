"""Requests as this facade reads them."""

from typing import Any

import msgspec
from litestar import Request

from afflux.facades.iswigo.errors import Refused, invalid
from afflux.web import strict_json


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is JSON, strictly."""

    async def json(self) -> Any:
        """The body as the value its route wants. Raises `Refused` and `MalformedJson`."""
        value = strict_json.decode(await self.body())
        wanted = self.route_handler.parsed_fn_signature.parameters["data"].annotation
        try:
            # Here, since Litestar would take the text `5` for a number.
            return msgspec.convert(value, wanted)
        except msgspec.ValidationError as error:
            raise Refused(400, invalid(wanted, str(error))) from None


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Before a request is served: a body is nowhere but where one may be, and JSON. Raises `Refused`."""
    if not request.scope["state"]["body"]:
        return
    if request.method in ("GET", "DELETE"):
        raise Refused(400, "Unexpected body")
    if not strict_json.is_type(request.headers.getall("content-type", [])):
        raise Refused(415, "Unsupported Media Type")
