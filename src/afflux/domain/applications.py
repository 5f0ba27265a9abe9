"""The integrator, our tenant, and how each facade knows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
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


@dataclass(frozen=True, slots=True)
class Registration:
    """An application as one facade knows it."""

    id: UUID
    application_id: UUID
    facade: Facade
    #: The name it presents there: app name, client id, issuer id.
    public_id: str
    settings: Mapping[str, Any]
