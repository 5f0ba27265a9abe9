"""Whole conversations, byte for byte, over a socket."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest

from afflux.runtime import Runtime
from tests.facades.d1.calling import Backend
from tests.serving import served

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))
KINDS = {
    "uuid": r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
}
PLACEHOLDER = re.compile(r"\{(\w+):(\w+)\}")


@dataclass(frozen=True)
class Exchange:
    """One request, and the answer it has to get."""

    method: str
    target: str
    body: bytes
    status: int
    answer: str


def exchanges(path: Path) -> Iterator[Exchange]:
    for block in re.finditer(r"^> (\w+) (\S+)\n(?:(?!<)(.*)\n)?< (\d+)\n(?!>)(.*)", path.read_text(), re.MULTILINE):
        method, target, body, status, answer = block.groups()
        yield Exchange(method, target, (body or "").encode(), int(status), answer.strip())


def pattern(template: str, known: dict[str, str]) -> str:
    """The template as a regular expression: what is known is literal, what is new is any value of its kind."""
    seen: set[str] = set()

    def part(match: re.Match[str]) -> str:
        kind, name = match[1], match[2]
        if name in known:
            return re.escape(known[name])
        again = name in seen
        seen.add(name)
        return f"(?P={name})" if again else f"(?P<{name}>{KINDS[kind]})"

    pieces = re.split(r"(\{\w+:\w+\})", template)
    return "".join(PLACEHOLDER.sub(part, each) if PLACEHOLDER.fullmatch(each) else re.escape(each) for each in pieces)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_exchanges_are_as_they_were_written_down(runtime: Runtime, bank: Backend, path: Path) -> None:
    known: dict[str, str] = {}
    steps = list(exchanges(path))
    assert len(steps) == path.read_text().count("\n> ")
    async with served(runtime) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
        backend = replace(bank, http=http)
        for step in steps:
            target = PLACEHOLDER.sub(lambda match: known[match[2]], step.target)
            headers = {"content_type": "application/json"} if step.body else {}
            response = await backend.send(step.method, target, step.body, **headers)
            match = re.fullmatch(pattern(step.answer, known), response.text)
            assert response.status_code == step.status, (step, response.text)
            assert match, f"expected\n  {step.answer}\ngot\n  {response.text}"
            known.update(match.groupdict())
