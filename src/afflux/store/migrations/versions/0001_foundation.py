"""The foundation: every table of the first version."""

from afflux.store.migrations.statements import run

revision = "0001"
down_revision = None


def upgrade() -> None:
    run("0001_foundation.sql")
