"""Records of audited acts on users."""

from collections.abc import Mapping
from uuid import UUID

from afflux.domain.operations import Operation, OperationKind
from afflux.domain.principal import Role
from afflux.store.database import Tx
from afflux.store.rows import many


async def insert(
    tx: Tx,
    operation_id: UUID,
    application_id: UUID,
    user_id: UUID,
    kind: OperationKind,
    actor: Role,
    *,
    reason: str | None = None,
    reason_code: str | None = None,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Record an act that succeeded in this very transaction."""
    await tx.execute(
        """
        INSERT INTO operations (id, application_id, user_id, kind, status, actor, reason, reason_code, counts,
                                started_at, ended_at)
        VALUES ($1, $2, $3, $4, 'successful', $5, $6, $7, $8, $9, $9)
        """,
        operation_id,
        application_id,
        user_id,
        kind,
        actor,
        reason,
        reason_code,
        dict(counts or {}),
        tx.now,
    )


async def on_user(tx: Tx, application_id: UUID, user_id: UUID) -> list[Operation]:
    """What was done to the user, newest first."""
    rows = await tx.fetch(
        """
        SELECT id, number, application_id, user_id, kind, status, actor, reason, reason_code, counts, started_at,
               ended_at
        FROM operations WHERE application_id = $1 AND user_id = $2 ORDER BY number DESC
        """,
        application_id,
        user_id,
    )
    return many(Operation, rows)
