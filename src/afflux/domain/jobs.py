"""What runs later. A job carries a kind and ids, nothing secret; the truth is the row it names."""

from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class RunSync:
    """Run, or go on with, this synchronisation."""

    application_id: UUID
    sync_id: UUID


@dataclass(frozen=True, slots=True)
class MailToken:
    """Mail the user the code that proves an e-mail address."""

    application_id: UUID
    user_id: UUID


@dataclass(frozen=True, slots=True)
class EraseUser:
    """Go on with this erasure, unless it has ended."""

    application_id: UUID
    user_id: UUID
    operation_id: UUID


#: Every kind of job.
Job = RunSync | MailToken | EraseUser
