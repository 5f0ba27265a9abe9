"""Plays golden files: sends each request over a socket and compares the answer byte for byte.

How a file is written, each facade's `golden/README.md` says; what only its own clients do, its `playing.py`.
"""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

KINDS = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "local": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    "utc": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
    "date": r"\d{4}-\d\d-\d\d",
    "jwt": r"eyJ[\w-]+\.[\w-]+\.[\w-]+",
    "code": r"\d{6}",
    "int": r"-?\d+",
    "number": r"-?\d+(?:\.\d+)?",
    "text": r'[^"\n]*',
    "sha1": r"[0-9a-f]{40}",
    "word": r"[A-Za-z0-9]+",
    "any": r".*",
}
_PLACEHOLDER = re.compile(r"\{(\w+):(\w+)\}")


@dataclass
class Exchange:
    """One request, and the answer it has to get."""

    #: Where it begins in its file.
    line: int
    method: str
    target: str
    #: Asked again until the answer is the one below.
    repeat: bool
    #: Headers of the request, or what its facade makes headers of.
    sent: list[str]
    body: str
    status: str
    headers: list[str]
    answer: str


@dataclass
class Turn:
    """From here on, somebody else asks: `who` is `AS` (a user's token) or `CLIENT` (an application, or a contract)."""

    who: str
    name: str


def read(path: Path) -> Iterator[Exchange | Turn]:
    """The steps of a file in order."""
    text = path.read_text()
    for block in re.finditer(r"^> .*\n(?:(?!> ).*\n?)*", text, re.MULTILINE):
        line = text.count("\n", 0, block.start()) + 1
        first, *rest = block[0].splitlines()
        words = first[2:].split()
        if words[0] in ("AS", "CLIENT"):
            yield Turn(*words)
        else:
            yield _exchange(line, words, [each for each in rest if each.strip() and not each.startswith("#")])


def _exchange(line: int, words: list[str], rest: list[str]) -> Exchange:
    repeat = words[0] == "UNTIL"
    method, target = words[1:] if repeat else words
    answered = next(number for number, each in enumerate(rest) if each.startswith("< "))
    (sent, body), (headers, answer) = _parts(rest[:answered]), _parts(rest[answered + 1 :])
    return Exchange(line, method, target, repeat, sent, body, rest[answered][2:], headers, answer)


def _parts(lines: list[str]) -> tuple[list[str], str]:
    """Headers and body."""
    headers = [each[2:] for each in lines if each.startswith(": ")]
    return headers, "".join(each for each in lines if not each.startswith(": "))


def _pattern(template: str, known: dict[str, str]) -> str:
    """The regular expression of a line: what is known is literal, what is new is any value of its kind."""
    pattern, at, seen = "", 0, set(known)
    for match in _PLACEHOLDER.finditer(template):
        pattern += re.escape(template[at : match.start()])
        kind, name = match[1], match[2]
        if name in known:
            pattern += re.escape(known[name])
        else:
            pattern += f"(?P={name})" if name in seen else f"(?P<{name}>{KINDS[kind]})"
            seen.add(name)
        at = match.end()
    return pattern + re.escape(template[at:])


@dataclass
class Player:
    """Somebody at the wire who remembers what the placeholders stood for."""

    host: str
    port: int
    client: str = ""
    token: str | None = None
    known: dict[str, str] = field(default_factory=dict)

    async def play(self, path: Path) -> int:
        """Play a file; the number of exchanges."""
        played = 0
        for step in read(path):
            if isinstance(step, Turn):
                self._turn(step)
                continue
            await self._exchange(path, step)
            played += 1
        return played

    def _turn(self, turn: Turn) -> None:
        if turn.who == "CLIENT":
            self.client = turn.name
        else:
            self.token = None if turn.name == "nobody" else self.known[turn.name]

    async def _exchange(self, path: Path, step: Exchange) -> None:
        async with asyncio.timeout(30):
            while True:
                got = await self._send(step)
                problem = self._compare(step, *got)
                if problem is None:
                    return
                assert step.repeat, f"{path.name}:{step.line}: {problem}"
                await asyncio.sleep(0.02)

    def _filled(self, text: str) -> str:
        return _PLACEHOLDER.sub(lambda match: self.known[match[2]], text)

    def _compare(self, step: Exchange, status: str, headers: dict[str, str], body: str) -> str | None:
        """What is wrong with an answer; None when it is the golden one. Learns the placeholders it meets."""
        learned: dict[str, str] = {}
        expected = [(step.status, status)]
        for line in step.headers:
            name, _, value = line.partition(": ")
            expected.append((value, headers.get(name.lower(), "(not there)")))
        expected.append((step.answer, body))
        for wanted, got in expected:
            match = re.fullmatch(_pattern(wanted, self.known | learned), got, re.DOTALL)
            if match is None:
                return f"expected\n  {wanted}\ngot\n  {got}"
            learned |= match.groupdict()
        self.known |= learned
        return None

    async def _send(self, step: Exchange) -> tuple[str, dict[str, str], str]:
        """Status and reason, headers, and body of the answer to a request, as they came over the socket."""
        method, target, body = step.method, self._filled(step.target), self._filled(step.body).encode()
        given = dict(self._filled(each).split(": ", 1) for each in step.sent)
        headers, body = self.dressed(method, target, given, body)
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.host}:{self.port}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if body:
            lines.append(f"Content-Length: {len(body)}")
        reader, writer = await asyncio.open_connection(self.host, self.port)
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        raw = await reader.read()
        writer.close()
        head, _, content = raw.partition(b"\r\n\r\n")
        status, *fields = head.decode("latin-1").split("\r\n")
        got = {name.lower(): value for name, _, value in (line.partition(": ") for line in fields)}
        return status.removeprefix("HTTP/1.1 "), *self.undressed(got, content)

    def dressed(self, method: str, target: str, given: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """Headers and body as a client of the facade sends them; `given` are those that the file has."""
        return given, body

    def undressed(self, headers: dict[str, str], body: bytes) -> tuple[dict[str, str], str]:
        """Headers and body of an answer as the file has them."""
        return headers, body.decode("utf-8", "replace")
