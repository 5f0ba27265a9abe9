"""Contracts: what an application may do with libraries through digi.me, and for which key its requests are signed."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from afflux.domain.applications import Registration
from afflux.domain.scopes import Scope


class ContractKind(StrEnum):
    """What a contract is for."""

    #: Mapped data and documents from providers.
    READ = "read"
    #: Pushing files to a postbox.
    WRITE = "write"
    #: Files that were pushed.
    READ_RAW = "read-raw"

    @property
    def reads(self) -> bool:
        """Whether a library may be read with it at all."""
        return self is not ContractKind.WRITE


@dataclass(frozen=True, slots=True)
class Contract:
    """One contract of an application."""

    registration: Registration
    kind: ContractKind
    #: Where a browser may be sent back to; compared exactly.
    redirect_uris: Sequence[str]
    #: The most it may read.
    scope: Scope
    #: Good for the session that came with the consent only.
    once: bool

    @property
    def id(self) -> str:
        """Its identifier without the application's."""
        return self.registration.public_id.partition("_")[2]
