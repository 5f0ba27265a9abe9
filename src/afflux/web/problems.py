"""Errors that belong to no dialect: `application/problem+json` (RFC 9457)."""

import logging
from http import HTTPStatus
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from afflux.domain.errors import whereabouts
from afflux.store.database import AWAY
from afflux.web.bodies import ClientGone

log = logging.getLogger(__name__)


class Problem(msgspec.Struct):
    """What went wrong, in the words of the status code."""

    title: str
    status: int
    type: str = "about:blank"


def problem(status: HTTPStatus) -> tuple[list[tuple[bytes, bytes]], bytes]:
    """The headers and the body of an error."""
    body = msgspec.json.encode(Problem(status.phrase, status.value))
    return [(b"content-type", b"application/problem+json"), (b"content-length", b"%d" % len(body))], body


def answer_problem(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """An exception handler: the response to whatever was raised."""
    status = error.status_code if isinstance(error, HTTPException) else status_of(error)
    body = msgspec.json.encode(Problem(HTTPStatus(status).phrase, status))
    headers = error.headers if isinstance(error, HTTPException) else None
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers)


def status_of(error: Exception) -> int:
    """503 while the database is away; 500 for what nobody foresaw, which is logged with its place and no value."""
    if isinstance(error, AWAY):
        return HTTPStatus.SERVICE_UNAVAILABLE
    log.error("a request failed: %s at %s", type(error).__name__, whereabouts(error))
    return HTTPStatus.INTERNAL_SERVER_ERROR


class Caught:
    """ASGI: lets no exception out, since a server would log it with its values."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sending)
        except ClientGone:
            return
        except Exception as error:
            status = HTTPStatus(status_of(error))
            if not begun:
                headers, body = problem(status)
                await send({"type": "http.response.start", "status": status.value, "headers": headers})
                await send({"type": "http.response.body", "body": body, "more_body": False})
