"""The id by which an issuer tells the calls of one use case (contract: section 5): echoed, and logged with the call."""

import logging
import re
from typing import Any
from uuid import uuid4

from litestar.types import ASGIApp, Message, Receive, Scope, Send

log = logging.getLogger(__name__)

HEADER = "x-correlation-id"
PATTERN = r"^[a-zA-Z0-9_\-\. ]{1,64}$"
_RIGHT = re.compile(r"[a-zA-Z0-9_\-. ]{1,64}")


class Correlated:
    """ASGI: every response carries the request's correlation id, or a new one where it had none of its own."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        given = [bytes(value).decode("latin-1") for name, value in scope["headers"] if name == HEADER.encode()]
        right = len(given) == 1 and _RIGHT.fullmatch(given[0]) is not None
        correlation = given[0] if right else str(uuid4())
        scope["state"]["correlation_is_wrong"] = bool(given) and not right

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), correlation.encode())]
                _note(scope, message["status"], correlation)
            await send(message)

        await self._app(scope, receive, answer)


def _note(scope: Any, status: int, correlation: str) -> None:
    """Log the call by its route: the path itself names a person."""
    log.info("%s %s %d, correlation %s", scope["method"], scope.get("path_template", "elsewhere"), status, correlation)
