"""Every exchange of the public reference, byte for byte, over a socket and with a worker."""

from pathlib import Path

import pytest

from afflux.runtime import Runtime
from afflux.services import applications
from tests.facades.iswigo.playing import Player
from tests.facades.playing import Turn, read
from tests.jobs.acting import working
from tests.serving import served

FILES = sorted((Path(__file__).parent / "golden").glob("*.txt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_exchanges_are_as_they_were_written_down(runtime: Runtime, path: Path) -> None:
    async with runtime.database.transaction() as tx:
        _, shop = await applications.create(tx, runtime.vault, "shop", psd2=True)
        _, kiosk = await applications.create(tx, runtime.vault, "kiosk")
    secrets = {"shop": shop.iswigo_secret, "kiosk": kiosk.iswigo_secret}
    async with working(runtime), served(runtime) as port:
        player = Player("127.0.0.1", port, secrets=secrets)
        assert await player.play(path) == sum(not isinstance(step, Turn) for step in read(path))
