"""The schema at its newest version."""

import subprocess
import sys

import asyncpg
from alembic.config import Config
from alembic.script import ScriptDirectory

from afflux.store.migrate import migrate, newest

_MIGRATING = """
import asyncio, sys
from afflux.store.migrate import migrate
asyncio.run(migrate(sys.argv[1]))
print("alembic" in sys.modules)
"""


def test_the_newest_migration_is_the_last_of_the_line() -> None:
    config = Config()
    config.set_main_option("script_location", "afflux.store:migrations")
    assert ScriptDirectory.from_config(config).get_heads() == [newest()]


async def test_a_database_is_brought_from_nothing_to_the_newest_version(cluster: str) -> None:
    superuser = await asyncpg.connect(cluster.replace("//afflux@/afflux?", "//postgres@/postgres?"))
    await superuser.execute("CREATE DATABASE bare OWNER afflux")
    bare = cluster.replace("@/afflux?", "@/bare?")
    try:
        await migrate(bare)
        connection = await asyncpg.connect(bare)
        assert await connection.fetchval("SELECT version_num FROM alembic_version") == newest()
        await connection.close()
    finally:
        await superuser.execute("DROP DATABASE bare WITH (FORCE)")
        await superuser.close()


def test_where_there_is_nothing_to_do_alembic_is_not_even_loaded(dsn: str) -> None:
    command = [sys.executable, "-c", _MIGRATING, dsn]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "False\n"
