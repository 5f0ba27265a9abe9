"""Exchanges as they were written down, byte for byte, over a socket and with a worker."""

import shutil
from pathlib import Path

import pytest

from afflux.runtime import Runtime
from tests.facades.oxlin.calling import Client
from tests.facades.oxlin.playing import Player
from tests.facades.playing import Turn, read
from tests.jobs.acting import working
from tests.serving import served

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("[0-9]-*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_exchanges_are_as_they_were_written_down(runtime: Runtime, shop: Client, path: Path) -> None:
    scripts = runtime.settings.data / "sandbox"
    scripts.mkdir(parents=True)
    shutil.copy(GOLDEN / "anna.txt", scripts)
    async with working(runtime), served(runtime) as port:
        player = Player("127.0.0.1", port, known={"id": shop.client_id, "secret": shop.secret})
        assert await player.play(path) == sum(not isinstance(step, Turn) for step in read(path))
