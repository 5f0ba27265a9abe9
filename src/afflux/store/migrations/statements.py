"""Runs a whole SQL file, or a function, in the migration's transaction."""

from collections.abc import Awaitable, Callable
from importlib.resources import files

import asyncpg
from alembic import op
from sqlalchemy.util import await_only


def run(name: str) -> None:
    """Execute the file `name` beside this module.

    Through the driver itself: SQLAlchemy prepares what it sends, and PostgreSQL prepares one statement at a time.
    """
    sql = files(__package__).joinpath(name).read_text(encoding="utf-8")
    call(lambda connection: connection.execute(sql))


def call(step: Callable[[asyncpg.Connection], Awaitable[object]]) -> None:
    """Do what no SQL file can."""
    driver = op.get_bind().connection.driver_connection
    assert driver is not None  # noqa: S101 - a migration always runs on a connection
    await_only(step(driver))
