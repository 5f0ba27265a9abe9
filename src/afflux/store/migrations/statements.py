"""Runs a whole SQL file in the migration's transaction."""

from importlib.resources import files

from alembic import op
from sqlalchemy.util import await_only


def run(name: str) -> None:
    """Execute the file `name` beside this module.

    Through the driver itself: SQLAlchemy prepares what it sends, and PostgreSQL prepares one statement at a time.
    """
    sql = files(__package__).joinpath(name).read_text(encoding="utf-8")
    driver = op.get_bind().connection.driver_connection
    assert driver is not None  # noqa: S101 - a migration always runs on a connection
    await_only(driver.execute(sql))
