"""Operations as a chain, and what erasing and Thales D1 need."""

from afflux.store.migrations.statements import run

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    run("0004_operations.sql")
