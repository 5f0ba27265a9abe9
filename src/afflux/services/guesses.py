"""How often a password may be tried on a page that anybody can open."""

from datetime import datetime
from uuid import UUID

from afflux.domain.limits import PerMinute
from afflux.services.grants import hashed

#: For one address of an application in a minute, in each process.
_tries = PerMinute(10)


def too_many(application_id: UUID, email: str, now: datetime) -> bool:
    """Count one more try. Whether that is too many; it is the same for an address that nobody has."""
    return bool(_tries.wait((application_id, hashed(email.lower())), now.timestamp()))
