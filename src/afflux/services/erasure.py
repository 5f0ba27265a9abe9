"""Erasing a user: every row and blob, the data key, and a record that it happened."""

from dataclasses import dataclass
from uuid import UUID, uuid4

from afflux.domain.events import EventType, NewEvent
from afflux.domain.operations import OperationKind
from afflux.domain.principal import Principal
from afflux.services.users import check_principal
from afflux.store import erasure as store
from afflux.store import operations, queue, users
from afflux.store.database import Tx


@dataclass(frozen=True, slots=True)
class Erased:
    """What went."""

    operation_id: UUID
    #: Rows by table.
    counts: dict[str, int]


async def preview(tx: Tx, application_id: UUID, user_id: UUID) -> dict[str, int]:
    """Rows by table that an erasure would delete. Raises `NotFound` for an unknown user."""
    await users.by_id(tx, application_id, user_id)
    return await store.count(tx, application_id, user_id)


async def erase(
    tx: Tx, principal: Principal, user_id: UUID, *, reason: str | None = None, reason_code: str | None = None
) -> Erased:
    """Erase the user for good. Raises `NotFound` for an unknown user.

    The lock on the user's row keeps new rows of the user from being born: each refers to it, and fails once it is
    gone. A run that still goes on loses its sync by the cascade and stops at its next write.
    """
    check_principal(principal, user_id)
    application_id = principal.application_id
    await users.lock(tx, application_id, user_id)
    counts = await store.count(tx, application_id, user_id)
    await queue.drop_of_user(tx, application_id, user_id)
    await users.delete(tx, application_id, user_id)
    operation_id = uuid4()
    await operations.insert(
        tx,
        operation_id,
        application_id,
        user_id,
        OperationKind.ERASE,
        principal.role,
        reason=reason,
        reason_code=reason_code,
        counts=counts,
    )
    tx.record(NewEvent(application_id, EventType.USER_ERASED, None, {"user_id": user_id}))
    return Erased(operation_id, counts)
