"""`afflux app digime` and `afflux keys rotate`."""

import json
from pathlib import Path

import pytest

from afflux.runtime import Runtime
from tests.cli.commanding import afflux
from tests.facades.digime.calling import BACK, spare_key


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A file with a public key of 2048 bits."""
    path = tmp_path / "contract.pem"
    path.write_bytes(spare_key(0).as_pem(private=False))
    return path


def made(key: Path, *more: object) -> tuple[object, ...]:
    ids = ("--application-id", "APP", "--contract-id", "CONTRACT", "--kind", "read-raw", "--public-key", key)
    return ("app", "digime", "shop", *ids, "--redirect-uri", BACK, *more)


async def test_a_contract_is_made_once(here: Runtime, key: Path, tmp_path: Path) -> None:
    await afflux("app", "create", "shop")
    scope = tmp_path / "scope.json"
    scope.write_text(json.dumps({"serviceGroups": [{"id": 3}]}))
    assert (await afflux(*made(key, "--scope", scope, "--json"))).json == {"client_id": "APP_CONTRACT"}
    assert "exists already" in (await afflux(*made(key))).complaint


@pytest.mark.parametrize("scope", ["", "[]", '{"serviceGroups": 7}', '{"timeRanges": [{"last": "x"}]}'])
async def test_a_scope_that_is_none_is_refused(here: Runtime, key: Path, tmp_path: Path, scope: str) -> None:
    await afflux("app", "create", "shop")
    (tmp_path / "scope.json").write_text(scope)
    assert (await afflux(*made(key, "--scope", tmp_path / "scope.json"))).complaint


async def test_a_file_without_a_key_is_refused(here: Runtime, tmp_path: Path) -> None:
    await afflux("app", "create", "shop")
    (tmp_path / "key.pem").write_text("no key")
    assert "public key" in (await afflux(*made(tmp_path / "key.pem"))).complaint
    assert "cannot read" in (await afflux(*made(tmp_path / "nowhere.pem"))).complaint


async def test_keys_are_rotated(here: Runtime) -> None:
    first, second = [(await afflux("keys", "rotate", "--json")).json["kid"] for _ in range(2)]
    assert first != second


@pytest.mark.parametrize("command", ["app digime", "keys rotate"])
async def test_help_fits_a_terminal(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    shown = await afflux(*command.split(), "--help")
    assert shown.code == 0
    assert max(map(len, shown.out.splitlines())) <= 80
