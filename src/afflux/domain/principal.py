"""Who is asking: a value that every use case requires."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class Role(StrEnum):
    """On whose wish something happens."""

    USER = "user"
    APPLICATION = "application"
    OPERATOR = "operator"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Principal:
    """An application, and the user it acts for where there is one."""

    application_id: UUID
    role: Role
    user_id: UUID | None = None
