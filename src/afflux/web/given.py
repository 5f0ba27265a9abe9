"""What routes are handed of the process that they serve in.

To put the routes of an application together takes a fifth of a second. So that is done once for a process, whatever it
serves; and what a route works with comes along with each request, in `scope["state"]`.
"""

from typing import Any

from litestar import Request
from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send


class Handing:
    """ASGI: passes requests on, with these values for their routes."""

    def __init__(self, app: ASGIApp, **values: object) -> None:
        self._app = app
        self._values = values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        scope["state"] = {**self._values}
        await self._app(scope, receive, send)


def handed(name: str) -> Provide:
    """A dependency: the value with this name."""

    def find(request: Request[Any, Any, Any]) -> Any:
        return request.scope["state"][name]

    return Provide(find, sync_to_thread=False)
