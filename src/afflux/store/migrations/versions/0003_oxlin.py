"""What Oxlin needs beyond the core."""

from afflux.store.migrations.statements import run

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    run("0003_oxlin.sql")
