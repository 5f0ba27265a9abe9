"""How HTTP is served: uvicorn, held to the limits of the security baseline (section 5)."""

import asyncio
from http import HTTPStatus
from typing import Any

import httptools
import uvicorn
from litestar.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from afflux.web.problems import Caught, problem

#: Of one request.
MOST_HEADERS = 100
#: Bytes of all headers of one request, and of its request line.
LARGEST_HEAD = 16 * 1024
#: Seconds from the first byte of a request, or from the connection, to the end of its headers.
HEAD_SECONDS = 10.0
#: Seconds from there to the end of its body.
BODY_SECONDS = 30.0
#: Seconds for which a connection waits for its next request.
IDLE_SECONDS = 15
#: Seconds for which a client that was refused may finish talking, so that it hears the answer.
LINGER_SECONDS = 2.0
#: Connections at the same time; stays below the 1,024 files that many systems give a process.
MOST_CONNECTIONS = 800

#: What an application finds in `scope["extensions"]`: a function that sets the reason phrase of its response.
REASON = "afflux.reason"
#: And the request target in origin form, as it was received.
TARGET = "afflux.target"

_UPGRADING = (b"upgrade", b"connection", b"http2-settings")


def config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """How uvicorn serves `app`."""
    return uvicorn.Config(
        Caught(app),
        host=host,
        port=port,
        loop="none",
        http=Connection,
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=25,
    )


class Connection(HttpToolsProtocol):
    """One client's connection, with limits on what it sends and on the time that takes."""

    _reading_head = _reading_body = False
    #: The request that is being answered, or was last.
    _served: RequestResponseCycle | None = None
    #: Bytes received since the parser last handed anything on: what it holds in memory, at most.
    _withheld = 0
    _hung_up = False
    _allowed: float | None = None
    _deadline: asyncio.TimerHandle | None = None
    #: What a request that cannot be read is answered with.
    _refusal = HTTPStatus.BAD_REQUEST

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came."""
        super().connection_made(transport)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE)
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client went."""
        self._stop_watching()
        self._unset_keepalive_if_required()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Bytes of a request, or of several."""
        if self._hung_up or self.transport.is_closing():
            return
        self._unset_keepalive_if_required()
        self._withheld += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(self._refusal)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Wait for more, unless the parser keeps too much in memory."""
        if self._withheld > 2 * LARGEST_HEAD:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        else:
            self._watch()

    # What the parser calls. What is raised here comes out of it as an HttpParserError.

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._stop_watching()
        self._reading_head = True
        self._refusal = HTTPStatus.BAD_REQUEST

    def on_url(self, url: bytes) -> None:
        """The request target, or a part of it."""
        super().on_url(url)
        self._demand(len(self.url) <= LARGEST_HEAD, HTTPStatus.REQUEST_URI_TOO_LONG)

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header; one that comes after the body (a trailer) is dropped."""
        if self._reading_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The headers have ended: the request can be served."""
        self._withheld = 0
        size = sum(len(name) + len(value) + len(": \r\n") for name, value in self.headers)
        fits = len(self.headers) <= MOST_HEADERS and size <= LARGEST_HEAD
        self._demand(fits, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        self._demand(self._is_sound())
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._reading_head, self._reading_body = False, True
        target = self.url if self.url.startswith(b"/") else b"/" + self.url.split(b"/", 3)[3]
        self.scope["extensions"] = {REASON: self._rephrase, TARGET: target}  # type: ignore[dict-item]

    def _is_sound(self) -> bool:
        """What RFC 9112 asks for and the parser does not check."""
        version = self.parser.get_http_version()
        hosts = [value for name, value in self.headers if name == b"host"]
        encodings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        return (
            self.parser.get_method() != b"CONNECT"
            and self.url.startswith((b"/", b"http://", b"https://"))
            and b"#" not in self.url
            and (version, len(hosts)) in {("1.1", 1), ("1.0", 1), ("1.0", 0)}
            and (not encodings or (version == "1.1" and encodings == [b"chunked"]))
        )

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._served = cycle
        super()._start_asgi_task(cycle, app)

    def _rephrase(self, phrase: str) -> None:
        """Let the status line of the response end with `phrase`, without what cannot stand there."""
        if self._served is not None:
            printable = "".join(letter for letter in phrase if letter.isprintable() and letter <= "\xff")
            self._served.transport = _Rephrasing(self.transport, printable.encode("latin-1"))  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        """Bytes of the body."""
        self._withheld = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request has ended."""
        self._withheld = 0
        if not self.parser.should_upgrade():
            self._reading_body = False
            super().on_message_complete()

    def _demand(self, right: bool, otherwise: HTTPStatus = HTTPStatus.BAD_REQUEST) -> None:
        if not right:
            self._refusal = otherwise
            raise ValueError(otherwise.phrase)

    def _decline_upgrade(self, rest: bytes) -> None:
        """Read the request once more without its wish to speak another protocol."""
        kept = [b"%s: %s\r\n" % (name, value) for name, value in self.headers if name not in _UPGRADING]
        head = b"%s %s HTTP/1.1\r\n%s\r\n" % (self.parser.get_method(), self.url, b"".join(kept))
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    # How long the client may take.

    def _watch(self) -> None:
        """Set the time for what is read now."""
        seconds = self._seconds()
        if seconds != self._allowed:
            self._stop_watching()
            self._allowed = seconds
            self._deadline = None if seconds is None else self.loop.call_later(seconds, self._too_late)

    def _seconds(self) -> float | None:
        if self._reading_body:
            return BODY_SECONDS
        busy = self._served is not None and not self._served.response_complete
        return None if busy and not self._reading_head else HEAD_SECONDS

    def _stop_watching(self) -> None:
        self._allowed = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        """Time is over; it is not the client's fault while it is us who do not read."""
        self._stop_watching()
        if self.flow.read_paused:
            self._watch()
        elif self._reading_head or self._reading_body:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        elif self._served is None or self._served.response_complete:
            self.transport.close()

    # Refusing what cannot become a request.

    def _refuse(self, status: HTTPStatus) -> None:
        """Answer and close; where an earlier answer is still on its way, that one is the last."""
        self._stop_watching()
        served = self._served
        if served is None or served.response_complete:
            self.transport.close() if self._reading_body else self._write(status)
        elif served is self.cycle and self._reading_body:
            self._abandon(served, status)
        else:
            served.keep_alive = False
            self.pipeline.clear()
            self.flow.pause_reading()

    def _abandon(self, cycle: RequestResponseCycle, status: HTTPStatus) -> None:
        """Whose body does not come is gone, for the application."""
        cycle.disconnected = True
        cycle.message_event.set()
        self.transport.close() if cycle.response_started else self._write(status)

    def _write(self, status: HTTPStatus) -> None:
        headers, body = problem(status)
        lines = [b"HTTP/1.1 %d %s" % (status, status.phrase.encode()), *(b"%s: %s" % each for each in headers)]
        self.transport.write(b"\r\n".join([*lines, b"connection: close", b"", body]))
        self._hang_up()

    def _hang_up(self) -> None:
        """Say no more, and listen to nothing: a client that still talks would lose the answer to a sudden end."""
        self._hung_up = True
        self.flow.resume_reading()
        self.transport.write_eof()
        self._deadline = self.loop.call_later(LINGER_SECONDS, self.transport.close)


class _Rephrasing:
    """A transport that replaces the reason phrase in the first status line written to it."""

    def __init__(self, transport: Any, phrase: bytes) -> None:
        self._transport = transport
        self._phrase: bytes | None = phrase

    def write(self, data: bytes) -> None:
        """Bytes of the response."""
        if self._phrase is not None and not data.startswith(b"HTTP/1.1 1"):
            line, rest = data.split(b"\r\n", 1)
            data = b" ".join([*line.split(b" ")[:2], self._phrase]) + b"\r\n" + rest
            self._phrase = None
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)
