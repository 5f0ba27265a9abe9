"""JSON as a response."""

from typing import Any, TypeVar, cast

import msgspec
from litestar import Response
from litestar.types import Receive, Scope, Send

T = TypeVar("T")


class _Answer(Response[T]):
    """A value as JSON. Sends itself: what Litestar does to a response takes longer than to write a small one."""

    def __init__(self, value: T, status: int = 200, headers: dict[str, str] | None = None) -> None:
        written = cast(T, msgspec.json.encode(value))
        super().__init__(written, status_code=status, media_type="application/json", headers=headers)

    def to_asgi_response(self, *_: object, **__: object) -> Any:
        """The response itself, which is an ASGI application."""
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        body = cast(bytes, self.content)
        headers = [(name.lower().encode(), value.encode("latin-1")) for name, value in self.headers.items()]
        headers += [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": self.status_code or 200, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})


def answer(value: T, status: int = 200, headers: dict[str, str] | None = None) -> Response[T]:
    """`value` as the JSON of a response."""
    return _Answer(value, status, headers)
