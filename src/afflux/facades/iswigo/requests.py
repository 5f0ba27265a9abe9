"""Requests as this facade reads them."""

from typing import Any

from litestar import Request

from afflux.facades.iswigo.errors import Refused
from afflux.web import strict_json


class JsonRequest(Request[Any, Any, Any]):
    """A request whose body is JSON, strictly."""

    async def json(self) -> Any:
        """The body as a value. Raises `Refused` for another type and `MalformedJson`."""
        if self.content_type[0] != "application/json":
            raise Refused(415, "Unsupported Media Type")
        return strict_json.decode(await self.body())
