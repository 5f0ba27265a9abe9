"""How commands get at the database."""

from dataclasses import replace
from pathlib import Path

import pytest

from afflux.config import Settings
from afflux.domain.errors import AffluxError, InvalidInput
from afflux.local import command_runtime
from afflux.prepare import prepare
from tests.conftest import ROOT_KEY


async def test_a_database_sealed_with_another_key_is_refused(dsn: str, settings: Settings) -> None:
    await prepare(settings, dsn, ROOT_KEY)
    await prepare(settings, dsn, ROOT_KEY)
    with pytest.raises(AffluxError, match="another root key"):
        await prepare(settings, dsn, bytes(32))


async def test_a_root_key_from_the_settings_must_be_one(settings: Settings) -> None:
    for wrong in ("abc", "00" * 31, "zz" * 32):
        with pytest.raises(InvalidInput, match="AFFLUX_ROOT_KEY"):
            async with command_runtime(replace(settings, root_key=wrong)):
                pass


async def test_a_command_without_a_server_starts_a_database_and_stops_it(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    async with command_runtime(settings) as runtime, runtime.database.transaction() as tx:
        assert await tx.value("SELECT count(*) > 0 FROM providers")
    async with command_runtime(settings) as runtime, runtime.database.transaction() as tx:
        assert await tx.value("SELECT count(*) FROM root_keys") == 1
