"""Several applications on one origin, told apart by the beginning of the path."""

from collections.abc import Callable, Mapping
from functools import cache

from litestar.types import ASGIApp, Receive, Scope, Send


class Mounts:
    """Passes each request to the application that its path belongs to, as it is; the rest go to `others`."""

    def __init__(self, mounted: Mapping[str, ASGIApp], others: ASGIApp) -> None:
        """`mounted` is by first path segment, such as `v1`."""
        self._mounted = mounted
        self._others = others

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        segment = scope["path"].removeprefix("/").partition("/")[0] if "path" in scope else ""
        await self._mounted.get(segment, self._others)(scope, receive, send)


class Late:
    """An application that is made when the first request for it comes: to put one together takes long, and hardly
    anybody speaks all dialects.
    """

    def __init__(self, make: Callable[[], ASGIApp]) -> None:
        self._made = cache(make)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        await self._made()(scope, receive, send)
