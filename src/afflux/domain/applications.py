"""The integrator, our tenant, and how each facade knows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
    """How one facade knows an application."""

    id: UUID
    application: Application
    facade: Facade
    #: Its identifier there.
    public_id: str
    #: Sealed, where the facade's signature needs the secret itself.
    secret_sealed: bytes | None = field(repr=False)
    #: SHA-256, everywhere else.
    secret_hash: bytes | None = field(repr=False)
    #: PEM.
    public_key: str | None
    settings: Mapping[str, Any]
