"""The house rules that a reader relies on: imports go down only, and SQL lives in the store."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "afflux"

#: From the top of the house to its cellar. Rooms on one floor do not meet, except those joined by a space.
FLOORS = (
    ("cli __main__",),
    ("app worker serve local access prepare supervisor",),
    ("facades", "widget", "jobs"),
    ("runtime services",),
    ("web",),
    (
        "store",
        "connectors",
        "delivery",
        "postgres postgres_account postgres_cluster postgres_remains launch datafolder",
    ),
    ("config",),
    ("domain",),
)
FLOOR = {room: number for number, floor in enumerate(FLOORS) for rooms in floor for room in rooms.split()}
JOINED = {room: rooms.split() for floor in FLOORS for rooms in floor for room in rooms.split()}


def modules() -> list[Path]:
    return sorted(SOURCE.rglob("*.py"))


def room_of(path: Path) -> str:
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


@cache
def parsed(path: Path) -> list[ast.AST]:
    """Every node of a module."""
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path: Path) -> Iterator[str]:
    for node in parsed(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]


def imported_rooms(path: Path) -> set[str]:
    names = (name.split(".") for name in imports(path))
    return {parts[1] for parts in names if parts[0] == "afflux" and len(parts) > 1 and parts[1] in FLOOR}


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down_only(path: Path) -> None:
    mine = room_of(path)
    if mine == "__init__":
        return
    assert mine in FLOOR, f"which floor does {mine} belong to? Say so in FLOORS"
    wrong = {room for room in imported_rooms(path) - {mine} if FLOOR[room] <= FLOOR[mine] and room not in JOINED[mine]}
    assert not wrong


@pytest.mark.parametrize("room", ["connectors", "facades"])
def test_neighbours_in_a_plugin_room_do_not_know_each_other(room: str) -> None:
    plugins = [folder for folder in (SOURCE / room).glob("*/") if (folder / "__init__.py").exists()]
    for plugin in plugins:
        others = {f"afflux.{room}.{other.name}" for other in plugins if other != plugin}
        for path in plugin.rglob("*.py"):
            assert not others & {".".join(name.split(".")[:3]) for name in imports(path)}, path


def test_only_the_store_speaks_sql() -> None:
    for path in modules():
        if room_of(path) in ("store", "local"):
            continue
        known = {"asyncpg"} if room_of(path) in ("worker", "local", "postgres") else set()
        drivers = {name.split(".")[0] for name in imports(path)} & {"asyncpg", "sqlalchemy", "alembic", "pgqueuer"}
        assert drivers <= known, path


def test_the_domain_needs_the_standard_library_only() -> None:
    import sys

    for path in (SOURCE / "domain").rglob("*.py"):
        outside = {name.split(".")[0] for name in imports(path)} - {"afflux", *sys.stdlib_module_names}
        assert not outside, path


def test_no_function_hides_an_import() -> None:
    for path in modules():
        for node in parsed(path):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                hidden = [inner for inner in ast.walk(node) if isinstance(inner, ast.Import | ast.ImportFrom)]
                assert not hidden, f"{path}:{hidden[0].lineno if hidden else 0}"
