"""Every exchange of the contract and of the public page, byte for byte, over a socket and with a worker."""

import shutil
from pathlib import Path

import httpx
import pytest

from afflux.domain.contracts import ContractKind
from afflux.runtime import Runtime
from afflux.services import users
from tests.conftest import Tenant
from tests.facades.digime.calling import Consumer
from tests.facades.digime.conftest import make_consumer
from tests.facades.digime.playing import Player
from tests.facades.playing import Turn, read
from tests.jobs.acting import link, working
from tests.serving import served

GOLDEN = Path(__file__).parent / "golden"
FILES = sorted(GOLDEN.glob("[0-9]-*.txt"))


@pytest.fixture
async def cast(runtime: Runtime, http: httpx.AsyncClient, alice: Tenant) -> dict[str, Consumer]:
    """The contracts of the files, of one application with one user, who has a bank and one that refuses everybody."""
    scripts = runtime.settings.data / "sandbox"
    scripts.mkdir(parents=True)
    shutil.copy(GOLDEN / "anna.txt", scripts)
    user = await users.register(
        runtime.database, runtime.vault, alice.principal, email="ada@example.org", password="s3cret"
    )
    ada = Tenant(alice.application, alice.principal, user)
    await link(runtime, ada, "anna", provider=87, password="dev")
    await link(runtime, ada, "0123456789", provider=1005)
    kinds = {
        "reader": (ContractKind.READ, None),
        "narrow": (ContractKind.READ, {"serviceGroups": [{"id": 3, "serviceTypes": [{"id": 87}]}]}),
        "once": (ContractKind.READ, {"once": True}),
        "writer": (ContractKind.WRITE, None),
        "raw": (ContractKind.READ_RAW, None),
    }
    return {name: await make_consumer(runtime, http, alice, *about) for name, about in kinds.items()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_the_exchanges_are_as_they_were_written_down(
    runtime: Runtime, cast: dict[str, Consumer], path: Path
) -> None:
    known = {name: consumer.client_id.partition("_")[2] for name, consumer in cast.items()}
    known["application"] = cast["reader"].client_id.partition("_")[0]
    async with working(runtime), served(runtime) as port:
        player = Player("127.0.0.1", port, known=known, consumers=cast)
        assert await player.play(path) == sum(not isinstance(step, Turn) for step in read(path))
