"""Where data comes from: a connection of a user, whether a sync brings it or its user does."""

from dataclasses import dataclass
from typing import Protocol
from uuid import UUID


class Origin(Protocol):
    """Names the connection that something belongs to. Every `Sync` does."""

    @property
    def application_id(self) -> UUID:
        """Whose user it is."""

    @property
    def user_id(self) -> UUID:
        """Whose connection it is."""

    @property
    def connection_id(self) -> UUID:
        """The connection."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """It came without a sync."""

    application_id: UUID
    user_id: UUID
    connection_id: UUID
