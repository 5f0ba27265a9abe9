"""What the facades need to answer."""

from afflux.store.migrations.statements import run

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    run("0002_reading.sql")
