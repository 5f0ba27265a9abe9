"""The integrator's end user."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class User:
    """A person whose accounts are linked."""

    id: UUID
    #: The identifier for dialects with numeric ids.
    number: int
    application_id: UUID
    #: The application's own id for the person, where it gave one.
    external_id: str | None
    email: str | None
    password_hash: str | None = field(repr=False)
    #: The user's data key, wrapped by the root key.
    data_key: bytes = field(repr=False)
    profile: Mapping[str, Any]
    suspended_at: datetime | None
    created_at: datetime
