"""The benchmarks still run and say what they should; how fast anything is, is not tested."""

import io
import json
import subprocess
import sys
from dataclasses import fields
from typing import Any

import pytest
from benchmarks.__main__ import table
from benchmarks.results import Result
from rich.console import Console


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], capture_output=True, text=True, timeout=240)


@pytest.fixture(scope="module")
def results() -> list[dict[str, Any]]:
    """What a quick run of the benchmarks that need no server of their own prints as JSON."""
    done = run("--quick", "--json", "first_sync", "resync", "reads", "triggers", "many_accounts")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_their_budgets_have_a_number(results: list[dict[str, Any]]) -> None:
    budgets = {
        ("%", 50, True),
        ("rows/s", 150_000, True),
        ("tables", 0, False),
        ("s", 3, False),
        ("%", 60, True),
        ("×", 2, False),
        ("/s", 500, True),
        ("ms", 50, False),
    }
    assert budgets <= {(each["unit"], each["target"], each["at_least"]) for each in results}


def test_a_verdict_follows_from_the_number_and_its_target(results: list[dict[str, Any]]) -> None:
    for each in results:
        if each["target"] is None:
            assert each["met"] is None
            continue
        reached = each["measured"] >= each["target"] if each["at_least"] else each["measured"] <= each["target"]
        assert each["met"] == reached, each


def test_whatever_the_speed_nothing_is_written_twice(results: list[dict[str, Any]]) -> None:
    (written,) = [each for each in results if each["unit"] == "tables"]
    assert written["measured"] == 0


def test_people_are_shown_a_table(results: list[dict[str, Any]]) -> None:
    console = Console(width=150, record=True, file=io.StringIO())
    names = {field.name for field in fields(Result)}
    console.print(table([Result(**{name: each[name] for name in names}) for each in results]))
    shown = console.export_text()
    assert "first sync of 1,000 rows" in shown
    assert "≥ 50" in shown


def test_an_unknown_name_is_one_clear_line() -> None:
    done = run("nonsense")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("no such benchmark: nonsense")
