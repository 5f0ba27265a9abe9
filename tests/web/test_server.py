"""The server on a real socket, and what people send to it that they should not."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from afflux.web import server
from tests.web.speaking import Served, serving

HEAD = b"Host: a\r\n"
POST = b"POST / HTTP/1.1\r\nHost: a\r\n"


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def served() -> AsyncIterator[Served]:
    async with serving() as running:
        yield running


async def test_requests_follow_one_another_on_one_connection(served: Served) -> None:
    async with served.speaker() as speaker:
        for number in range(3):
            await speaker.say(b"GET /%d HTTP/1.1\r\n%s\r\n" % (number, HEAD))
            assert (await speaker.hear()).json["target"] == f"/{number}"


async def test_requests_that_come_at_once_are_answered_in_order(served: Served) -> None:
    async with served.speaker() as speaker:
        await speaker.say(b"".join(b"GET /%d HTTP/1.1\r\n%s\r\n" % (number, HEAD) for number in range(20)))
        assert [(await speaker.hear()).json["target"] for _ in range(20)] == [f"/{number}" for number in range(20)]


@pytest.mark.parametrize("target", ["/v1/a%5Bb?c[d]=1&e=%c3%a9+", "/a?", "/a/../b//", "/?a?b"])
async def test_the_target_reaches_the_application_as_it_was_sent(served: Served, target: str) -> None:
    assert (await served.answer(f"GET {target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())).json["target"] == target


async def test_the_absolute_form_of_a_target_is_understood(served: Served) -> None:
    assert (await served.answer(b"GET http://b/v1/x?y= HTTP/1.1\r\nHost: b\r\n\r\n")).json["target"] == "/v1/x?y="


async def test_a_body_in_chunks_is_put_together(served: Served) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert (await served.answer(head, b"3;x=y\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\n\r\n")).json["body"] == "abcde"


async def test_a_header_after_the_body_is_none(served: Served) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    answer = await served.answer(head + b"1\r\na\r\n0\r\nX-Iswigo-App: shop\r\n\r\n")
    assert [name for name, _ in answer.json["headers"]] == ["host", "transfer-encoding"]


async def test_a_client_may_ask_whether_to_go_on(served: Served) -> None:
    async with served.speaker() as speaker:
        await speaker.say(POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert await speaker.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await speaker.say(b"ab")
        assert (await speaker.hear()).json["body"] == "ab"


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
async def test_a_wish_for_another_protocol_is_not_heard(served: Served, protocol: bytes) -> None:
    wish = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\nHTTP2-Settings: AA\r\n" % protocol
    async with served.speaker() as speaker:
        await speaker.say(POST + wish + b"Content-Length: 2\r\n\r\na", b"b")
        assert (await speaker.hear()).json["body"] == "ab"
        await speaker.say(b"GET /again HTTP/1.1\r\n%s\r\n" % HEAD)
        assert (await speaker.hear()).json["target"] == "/again"


# The reason phrase.


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("Invalid user password", "Invalid user password"),
        ("caf\xe9", "caf\xe9"),
        ("a\r\nSet-Cookie: b", "aSet-Cookie: b"),
        ("x\x00\x7fy", "xy"),
        ("", ""),
    ],
)
async def test_an_application_can_set_the_reason_phrase(served: Served, asked: str, said: str) -> None:
    body = asked.encode("latin-1")
    async with served.speaker() as speaker:
        await speaker.say(b"POST /teapot HTTP/1.1\r\n%sContent-Length: %d\r\n\r\n" % (HEAD, len(body)) + body)
        answer = await speaker.hear()
        assert answer.status_line == f"HTTP/1.1 418 {said}"
        assert answer.json["body"] == asked
        await speaker.say(b"GET / HTTP/1.1\r\n%s\r\n" % HEAD)
        assert (await speaker.hear()).status_line == "HTTP/1.1 200 OK"


async def test_a_phrase_with_a_letter_that_cannot_be_sent_leaves_it_out() -> None:
    async with serving(_with_reason("z\u0142oty \u20ac")) as running:
        assert (await running.answer(b"GET / HTTP/1.1\r\n%s\r\n" % HEAD)).status_line == "HTTP/1.1 200 zoty "


def _with_reason(phrase: str):  # type: ignore[no-untyped-def]
    async def app(scope, receive, send) -> None:  # type: ignore[no-untyped-def]
        scope["extensions"][server.REASON](phrase)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    return app


# What is refused.

REFUSED = {
    "two lengths": (400, POST + b"Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    "a list of lengths": (400, POST + b"Content-Length: 3, 3\r\n\r\nabc"),
    "a negative length": (400, POST + b"Content-Length: -1\r\n\r\n"),
    "a length with a sign": (400, POST + b"Content-Length: +1\r\n\r\na"),
    "a length beyond all measure": (400, POST + b"Content-Length: 99999999999999999999999\r\n\r\n"),
    "a length and chunks": (400, POST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "chunks and a length": (400, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    "chunks twice": (400, POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "an encoding before chunks": (400, POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    "another encoding": (400, POST + b"Transfer-Encoding: identity\r\n\r\n"),
    "chunks in HTTP/1.0": (400, b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    "a chunk without a size": (400, POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n"),
    "a folded header": (400, b"GET / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n"),
    "a space before the colon": (400, b"GET / HTTP/1.1\r\nHost : a\r\n\r\n"),
    "a header without a name": (400, b"GET / HTTP/1.1\r\n: a\r\n\r\n"),
    "NUL in a header": (400, b"GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"),
    "bare line feeds": (400, b"GET / HTTP/1.1\nHost: a\n\n"),
    "a bare carriage return": (400, b"GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n"),
    "no host": (400, b"GET / HTTP/1.1\r\n\r\n"),
    "two hosts": (400, b"GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"),
    "bytes beyond ASCII in the target": (400, b"GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a fragment": (400, b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a target that is none": (400, b"GET a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an asterisk": (400, b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an empty absolute target": (400, b"GET http://a HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a tunnel": (400, b"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an unknown method": (400, b"FROB / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "a method in small letters": (400, b"get / HTTP/1.1\r\nHost: a\r\n\r\n"),
    "an old version": (400, b"GET / HTTP/0.9\r\n\r\n"),
    "no version": (400, b"GET /\r\n\r\n"),
    "a version to come": (400, b"GET / HTTP/3.0\r\nHost: a\r\n\r\n"),
    "the preface of HTTP/2": (400, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "another protocol": (400, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    "a long target": (414, b"GET /%s HTTP/1.1\r\nHost: a\r\n\r\n" % (b"a" * 16384)),
    "many headers": (431, b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % (b"X: y\r\n" * 100)),
    "a large header": (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: %s\r\n\r\n" % (b"y" * 16384)),
    "headers large together": (431, b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n" % ((b"X: %s\r\n" % (b"y" * 1000)) * 17)),
    "a header name without end": (431, b"GET / HTTP/1.1\r\nHost: a\r\n%s" % (b"x" * 40000)),
    "a header without end": (431, b"GET / HTTP/1.1\r\nHost: a\r\nX: %s" % (b"y" * 40000)),
    "a trailer without end": (431, POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\nX: " + b"y" * 600_000),
    "a chunk's description without end": (431, POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"y" * 600_000),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("piece", [1 << 20, 1000], ids=["at once", "in pieces"])
async def test_what_cannot_be_read_is_refused(served: Served, name: str, piece: int) -> None:
    status, sent = REFUSED[name]
    async with served.speaker() as speaker:
        await speaker.say(*(sent[at : at + piece] for at in range(0, len(sent), piece)))
        answer = await speaker.hear()
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["status"] == status
        assert await speaker.is_hung_up()
    assert await served.is_well()


async def test_what_is_just_allowed_is_served(served: Served) -> None:
    filling = b"X: %s\r\n" % (b"y" * (16384 - len(HEAD) - 5))
    assert (await served.answer(b"GET / HTTP/1.1\r\n%s%s\r\n" % (HEAD, filling))).status == 200
    assert (await served.answer(b"GET / HTTP/1.1\r\n%s%s\r\n" % (HEAD, b"X: y\r\n" * 99))).status == 200
    assert (await served.answer(b"GET /%s HTTP/1.1\r\n%s\r\n" % (b"a" * 16383, HEAD))).status == 200


async def test_rubbish_after_a_request_does_not_spoil_its_answer(served: Served) -> None:
    async with served.speaker() as speaker:
        await speaker.say(b"GET /slow HTTP/1.1\r\n%s\r\nRUBBISH\r\n\r\n" % HEAD)
        assert (await speaker.hear()).json["target"] == "/slow"
        assert await speaker.is_hung_up()


async def test_rubbish_after_several_requests_does_not_spoil_the_first_answer(served: Served) -> None:
    async with served.speaker() as speaker:
        await speaker.say(b"GET /slow HTTP/1.1\r\n%s\r\n" % HEAD * 3 + b"RUBBISH\r\n\r\n")
        assert (await speaker.hear()).json["target"] == "/slow"
        assert await speaker.is_hung_up()


async def test_a_hidden_second_request_is_never_heard(served: Served) -> None:
    smuggled = b"0\r\n\r\nGET /secret HTTP/1.1\r\nHost: a\r\n\r\n"
    head = POST + b"Content-Length: %d\r\nTransfer-Encoding: chunked\r\n\r\n" % len(smuggled)
    async with served.speaker() as speaker:
        await speaker.say(head + smuggled)
        assert (await speaker.hear()).status == 400
        assert await speaker.is_hung_up()


# Time.


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)
    monkeypatch.setattr(server, "BODY_SECONDS", 0.2)


@pytest.mark.usefixtures("hasty")
async def test_headers_have_to_come_in_time_however_steadily_they_drip(served: Served) -> None:
    async with served.speaker() as speaker:
        await speaker.say(b"GET / HTTP/1.1\r\n")
        answer = asyncio.create_task(speaker.hear())
        while not answer.done():
            await speaker.say(b"X: y\r\n")
            await asyncio.sleep(0.02)
        assert (await answer).status == 408
        assert await speaker.is_hung_up()


@pytest.mark.usefixtures("hasty")
async def test_a_body_has_to_come_in_time(served: Served) -> None:
    async with served.speaker() as speaker:
        await speaker.say(POST + b"Content-Length: 5\r\n\r\nab")
        assert (await speaker.hear()).status == 408
        assert await speaker.is_hung_up()


@pytest.mark.usefixtures("hasty")
async def test_who_says_nothing_is_hung_up_on(served: Served) -> None:
    async with served.speaker() as silent:
        assert await silent.is_hung_up()
    async with served.speaker() as dripping:
        await dripping.say(b"GET / HTTP/1.1\r\n%s\r\n" % HEAD)
        await dripping.hear()
        await dripping.say(b"\r\n")
        assert await dripping.is_hung_up()


@pytest.mark.usefixtures("hasty")
async def test_a_slow_application_is_not_the_clients_fault(served: Served) -> None:
    async with served.speaker() as speaker:
        await speaker.say(b"GET /slow HTTP/1.1\r\n%s\r\n" % HEAD)
        assert (await speaker.hear()).status == 200
        await speaker.say(b"GET /slow HTTP/1.1\r\n%s\r\n\r\n" % HEAD)
        assert (await speaker.hear()).status == 200


@pytest.mark.parametrize("sent", [b"RUBBISH\r\n\r\n", b"GET / HTTP/1.1\r\nX: " + b"y" * 40000], ids=["bad", "large"])
async def test_who_was_refused_is_not_listened_to_for_long(monkeypatch: pytest.MonkeyPatch, sent: bytes) -> None:
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.1)
    async with serving() as served, served.speaker() as speaker:
        await speaker.say(sent)
        assert (await speaker.hear()).status in (400, 431)
        async with asyncio.timeout(5):
            while served.running.server_state.connections:
                await asyncio.sleep(0.01)


async def test_an_idle_connection_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "IDLE_SECONDS", 0.2)
    async with serving() as served, served.speaker() as speaker:
        await speaker.say(b"GET / HTTP/1.1\r\n%s\r\n" % HEAD)
        await speaker.hear()
        assert await speaker.is_hung_up()


async def test_connections_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "MOST_CONNECTIONS", 2)
    async with serving() as served:
        async with served.speaker() as first, served.speaker() as second:
            for speaker in (first, second):
                await speaker.say(b"GET / HTTP/1.1\r\n%s\r\n" % HEAD)
                assert (await speaker.hear()).status == 200
            async with served.speaker() as third:
                assert (await third.hear()).status == 503
                assert await third.is_hung_up()
        while len(served.running.server_state.connections) > 1:
            await asyncio.sleep(0.01)
        assert await served.is_well()


async def test_an_error_says_where_and_nothing_else(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = await served.answer(b"GET /broken HTTP/1.1\r\n%s\r\n" % HEAD)
    assert (answer.status, answer.json["title"]) == (500, "Internal Server Error")
    assert "echo:" in caplog.text
    assert "a secret" not in caplog.text
