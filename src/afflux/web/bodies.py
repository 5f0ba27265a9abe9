"""Reading a request's body whole, within a limit, and handing it on."""

from typing import Any, cast

from litestar.types import Receive
from litestar.types.asgi_types import HTTPRequestEvent

#: Bytes; baseline section 5.
LARGEST = 1024 * 1024


class BodyTooLarge(Exception):
    """The request's body has more than the allowed bytes."""


class ClientGone(Exception):
    """The client went away, or ran out of time, before its body was complete; nobody reads an answer."""


async def read(receive: Receive, largest: int = LARGEST) -> bytes:
    """All bytes of the body. Raises `BodyTooLarge` as soon as there are more than `largest`, and `ClientGone`."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        body += cast(bytes, message.get("body", b""))
        if len(body) > largest:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return bytes(body)


def again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body a second time, then whatever comes after it."""
    first: list[HTTPRequestEvent] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Any:
        return first.pop() if first else await receive()

    return replay
