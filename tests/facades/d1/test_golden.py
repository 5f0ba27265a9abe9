"""Whole conversations, byte for byte, over a socket."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from afflux.runtime import Runtime
from tests.facades import playing
from tests.facades.d1.calling import Backend
from tests.serving import served

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))


@dataclass
class Player(playing.Player):
    """An issuer's backend at the wire."""

    def dressed(self, method: str, target: str, given: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
        """With its token, and with JSON."""
        headers = {"Authorization": f"Bearer {self.token}"} | ({"Content-Type": "application/json"} if body else {})
        return headers | given, body


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_exchanges_are_as_they_were_written_down(runtime: Runtime, bank: Backend, path: Path) -> None:
    async with served(runtime) as port:
        played = await Player("127.0.0.1", port, token=bank.token).play(path)
    assert played == path.read_text().count("\n> ")
