"""One visit to the connect page: what an application wants of its user there."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from afflux.domain.applications import Facade
from afflux.domain.catalogue import Kind, Provider


class ConnectAction(StrEnum):
    """What is to be done."""

    #: Link a provider.
    CREATE = "create"
    #: Give one connection other credentials.
    EDIT = "edit"
    #: Look how connections stand.
    STATUS = "status"
    #: Refresh connections.
    SYNC = "sync"
    #: Name a provider that is missing.
    SUGGESTION = "suggestion"


class ProviderType(StrEnum):
    """Which providers it is about."""

    BANK = "bank"
    DOCUMENT = "document"

    @property
    def kinds(self) -> frozenset[Kind]:
        """What such a provider brings, at least one of them."""
        return _KINDS[self]


_KINDS = {
    ProviderType.BANK: frozenset({Kind.ACCOUNTS, Kind.TRANSACTIONS}),
    ProviderType.DOCUMENT: frozenset({Kind.DOCUMENTS}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An action, and what it is limited to; None and an empty tuple limit nothing."""

    action: ConnectAction
    type: ProviderType | None = None
    connections: tuple[UUID, ...] = ()
    #: ISO 3166-1 alpha-2.
    country: str | None = None
    #: A number that the application and the operator agreed on.
    scope: int | None = None
    #: The one provider to link.
    provider: int | None = None
    #: How the user's missing provider may be called.
    suggestion: str | None = None

    def admits(self, provider: Provider) -> bool:
        """Whether the provider is within what the wish is limited to. No provider belongs to a scope yet."""
        return self.country in (None, provider.country) and (
            self.type is None or bool(self.type.kinds & provider.kinds)
        )


@dataclass(frozen=True, slots=True)
class ConnectSession:
    """A page that is open for one user until it expires."""

    id: UUID
    application_id: UUID
    #: The name of who asks.
    application: str
    user_id: UUID
    facade: Facade
    wish: Wish
    created_at: datetime
    #: The first visit.
    opened_at: datetime | None
    expires_at: datetime
