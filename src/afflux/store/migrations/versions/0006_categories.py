"""What transactions were for, and connections that need their user."""

from afflux.store.categories import file_anew
from afflux.store.migrations.statements import call, run

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    run("0006_categories.sql")
    call(file_anew)
