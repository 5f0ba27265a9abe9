"""Routes that are called far more often than others."""

from typing import Any

from litestar.connection import ASGIConnection
from litestar.enums import HttpMethod
from litestar.handlers import HTTPRouteHandler


class _CalledOften(HTTPRouteHandler):
    """A route whose guards are handed the handler itself.

    Litestar copies it for each guard of each request, lest one changes it, and that takes longer than a small read.
    """

    async def authorize_connection(self, connection: ASGIConnection[Any, Any, Any, Any]) -> None:
        """Run the guards."""
        for guard in self.resolve_guards():
            await guard(connection, self)  # type: ignore[misc]


def get_often(path: str, **options: Any) -> HTTPRouteHandler:
    """As Litestar's `get`, quicker."""
    return _CalledOften(path, http_method=HttpMethod.GET, **options)
