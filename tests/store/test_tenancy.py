"""Every statement filters by application: all SQL of the store is read, and the tables are asked what they hold."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

STORE = Path(__file__).parent.parent.parent / "src" / "afflux" / "store"

#: Found by something only its owner has, or no user data at all.
NOT_OF_A_TENANT = {
    "root_keys",
    "signing_keys",
    "applications",
    "providers",
    "channels",
    "connector_clocks",
    "registrations",
}
VERBS = re.compile(r"^\s*(--.*\n\s*)*(SELECT|INSERT|UPDATE|DELETE|MERGE|WITH)\b", re.IGNORECASE)
EXCUSE = re.compile(r"-- every application: \w+")


def statements() -> Iterator[tuple[str, str]]:
    """Each statement of the store with its place; what is put in by formatting is left as `{}`."""
    for path in sorted(STORE.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            text = _text(node)
            if text is not None and VERBS.match(text):
                yield f"{path.name}:{node.lineno}", text  # type: ignore[attr-defined]


def _text(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)  # type: ignore[misc]
    return None


def tables_of(sql: str) -> set[str]:
    """The tables a statement reads or writes."""
    return set(re.findall(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+([a-z_]+)\b", sql))


def filters(sql: str) -> bool:
    """Whether the application is asked for, or written."""
    conditions = re.split(r"\b(?:WHERE|ON|VALUES|SELECT)\b", sql)[1:]
    return any("application_id" in part for part in conditions) or bool(
        re.search(r"INSERT INTO \w+ \([^)]*application_id", sql)
    )


async def tenant_tables(dsn: str) -> set[str]:
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(
            """SELECT table_name FROM information_schema.columns
               WHERE table_schema = 'public' AND column_name = 'application_id'"""
        )
    finally:
        await connection.close()
    return {row["table_name"] for row in rows}


async def test_every_statement_on_a_tenants_table_filters_by_application(cluster: str) -> None:
    owned = await tenant_tables(cluster) - NOT_OF_A_TENANT
    read = list(statements())
    assert len(read) > 60
    for place, sql in read:
        if tables_of(sql) & (owned | {"{}"}) and not EXCUSE.search(sql):
            assert filters(sql), f"{place} does not filter by application:\n{sql}"


async def test_every_table_belongs_to_a_tenant_or_says_why_not(cluster: str) -> None:
    connection = await asyncpg.connect(cluster)
    rows = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    await connection.close()
    infrastructure = {"alembic_version", "pgqueuer", "pgqueuer_log", "pgqueuer_statistics", "pgqueuer_schedules"}
    strangers = {row["tablename"] for row in rows} - await tenant_tables(cluster) - NOT_OF_A_TENANT - infrastructure
    assert not strangers


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT id FROM users WHERE id = $1",
        "DELETE FROM events WHERE user_id = $1",
        "UPDATE syncs SET status = $1 WHERE id = $2",
    ],
)
def test_the_reader_notices_a_missing_filter(sql: str) -> None:
    assert VERBS.match(sql)
    assert not filters(sql)
