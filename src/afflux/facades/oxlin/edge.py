"""The first look at a request, before any route is chosen."""

from typing import Any
from urllib.parse import unquote_to_bytes

from litestar import Request
from litestar.types import ASGIApp, Receive, Scope, Send

from afflux.domain.errors import NotFound
from afflux.facades.oxlin.errors import bad, refuse
from afflux.runtime import Runtime
from afflux.services.keyring import Keyring
from afflux.web.given import hand


class Edge:
    """ASGI: refuses targets that only look like ours, and says in `scope["state"]` what routes work with."""

    def __init__(self, app: ASGIApp, runtime: Runtime, keyring: Keyring) -> None:
        self._app = app
        self._runtime = runtime
        self._keyring = keyring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        try:
            _check_target(scope)
        except Exception as error:
            response = refuse(Request(scope), error)
            await response.to_asgi_response(app=None, request=Request(scope))(scope, receive, send)
            return
        hand(scope, runtime=self._runtime, keyring=self._keyring)
        _unask_options(scope)
        await self._app(scope, receive, send)


def _check_target(scope: Any) -> None:
    """Raise `NotFound` for a path that is not written as ours are, and `Refused` for a query that is no text."""
    path: str = scope["path"]
    if "//" in path or path.endswith("/") or not _is_text(scope["raw_path"]):
        raise NotFound("there is no such route")
    if not _is_text(scope["query_string"]):
        raise bad("the query")


def _is_text(quoted: bytes) -> bool:
    try:
        return "\0" not in unquote_to_bytes(quoted).decode()
    except UnicodeDecodeError:
        return False


def _unask_options(scope: Any) -> None:
    """Make OPTIONS a method that no route has; Litestar would answer it by itself."""
    if scope["method"] == "OPTIONS":
        scope["method"] = "TRACE"
