"""What a client says it takes (contract: section 3.0)."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler

from afflux.facades.digime import errors

_OURS = {"application/json", "application/octet-stream", "application/*", "*/*"}


async def takes_ours(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """A guard. Raises `Refused` for a client that takes neither JSON nor bytes; one that says nothing takes both."""
    lines = connection.headers.getall("accept", [])
    taken = {each.partition(";")[0].strip().lower() for line in lines for each in line.split(",")} - {""}
    if taken and not taken & _OURS:
        raise errors.validation("the Accept header has to allow application/json", 406)
