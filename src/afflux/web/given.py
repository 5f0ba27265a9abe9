"""What routes are handed of the process that they serve in.

To put the routes of an application together takes a fifth of a second. So that is done once for a process, whatever it
serves; and what a route works with comes along with each request, in `scope["state"]`.
"""

from contextvars import ContextVar
from typing import Any

from litestar.di import Provide
from litestar.types import ASGIApp, Receive, Scope, Send

#: `scope["state"]` of the request that is served here.
_state: ContextVar[dict[str, Any]] = ContextVar("state")


def hand(scope: Scope, **values: object) -> None:
    """Let the routes that serve this request find these values."""
    scope["state"] = values
    _state.set(values)


class Handing:
    """ASGI: passes requests on, with these values for their routes."""

    def __init__(self, app: ASGIApp, **values: object) -> None:
        self._app = app
        self._values = values

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        hand(scope, **self._values)
        await self._app(scope, receive, send)


def handed(name: str) -> Provide:
    """A dependency: the value with this name."""

    # It does not ask for the request, which Litestar would take a twentieth of a small read's time to bring.
    def find() -> Any:
        return _state.get()[name]

    return Provide(find, sync_to_thread=False)
