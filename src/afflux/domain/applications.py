"""The integrator, our tenant, and how each facade knows it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class Facade(StrEnum):
    """The wire APIs an application can be registered with."""

    ISWIGO = "iswigo"
    OXLIN = "oxlin"
    D1 = "d1"
    DIGIME = "digime"


@dataclass(frozen=True, slots=True)
class Application:
    """One integrator."""

    id: UUID
    name: str
    #: May create and edit connections itself instead of through the connect page.
    psd2: bool
    #: Where a browser may be sent back to; compared exactly.
    redirect_uris: tuple[str, ...]
    created_at: datetime
