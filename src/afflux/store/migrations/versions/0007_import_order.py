"""Transactions in the order of their import, by whole seconds."""

from afflux.store.migrations.statements import run

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    run("0007_import_order.sql")
