"""What runs later. A job carries a kind and ids, nothing secret; the truth is the row it names."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RunSync:
    """Run, or go on with, this synchronisation."""

    application_id: UUID
    sync_id: UUID
