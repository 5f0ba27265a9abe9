"""What a client says it takes (contract: section 3.0)."""

from typing import Any

from litestar import Request

from afflux.facades.digime import errors

_OURS = {"application/json", "application/octet-stream", "application/*", "*/*"}


async def check_accept(request: Request[Any, Any, Any]) -> None:
    """Before a request is served. Raises `Refused` for a client that takes neither JSON nor bytes; one that says
    nothing takes both.
    """
    lines = request.headers.getall("accept", [])
    taken = {each.partition(";")[0].strip().lower() for line in lines for each in line.split(",")} - {""}
    if taken and not taken & _OURS:
        raise errors.validation("the Accept header has to allow application/json", 406)
