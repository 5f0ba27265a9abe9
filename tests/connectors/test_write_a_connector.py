"""The page for authors of connectors tells the truth: its example passes the contract test."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/write-a-connector.md"
BLOCK = re.compile(r"^`([\w./]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    """The example's files by name, as the page gives them."""
    return dict(BLOCK.findall(PAGE.read_text()))


def test_the_example_passes_the_contract_test(tmp_path: Path) -> None:
    for name, text in files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    settings = ("asyncio_mode = auto", "asyncio_default_fixture_loop_scope = function", f"pythonpath = . {ROOT}")
    (tmp_path / "pytest.ini").write_text("\n".join(("[pytest]", *settings)))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "test_piggy.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d\d passed, 1 skipped", done.stdout), done.stdout


def test_the_entry_point_names_the_manifest() -> None:
    project = tomllib.loads(files()["pyproject.toml"])["project"]
    module, _, attribute = project["entry-points"]["afflux.connectors"]["piggy"].partition(":")
    assert f"\n{attribute} = Manifest(" in files()[f"{module}/__init__.py"]
