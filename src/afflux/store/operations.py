"""Records of audited acts on users, as they are read; `chain` writes them."""

from collections.abc import Sequence
from uuid import UUID

from afflux.domain.operations import Operation, OperationKind
from afflux.store.database import Tx
from afflux.store.rows import many, maybe, one

_COLUMNS = """id, number, application_id, user_id, kind, status, actor, reason, reason_code, counts, error_code, error,
              started_at, ended_at"""
#: Of whoever the application knows by the id behind the digest $2, or by our id $3 and none of its own.
_KNOWN = """(
                user_id IN (SELECT user_id FROM pseudonyms WHERE application_id = $1 AND digest = $2)
                OR user_id = $3 AND NOT EXISTS (SELECT FROM pseudonyms WHERE application_id = $1 AND user_id = $3)
            )"""
#: And of these kinds, and not older than three calendar months.
_SHOWN = f"""{_KNOWN} AND kind = ANY($4)
            AND (started_at AT TIME ZONE 'UTC') + interval '3 months' > ($5::timestamptz AT TIME ZONE 'UTC')"""


async def by_id(tx: Tx, application_id: UUID, operation_id: UUID) -> Operation:
    """One operation. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM operations WHERE application_id = $1 AND id = $2", application_id, operation_id
    )
    return one(Operation, row, "operation")


async def pending(tx: Tx, application_id: UUID, user_id: UUID) -> Operation | None:
    """What is being done to the user now."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM operations WHERE application_id = $1 AND user_id = $2 AND status = 'pending'",
        application_id,
        user_id,
    )
    return maybe(Operation, row)


async def pending_of(tx: Tx, application_id: UUID, digest: bytes, user_id: UUID | None) -> Operation | None:
    """What is being done to the user whom the application knows by the id behind `digest`, or by `user_id`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM operations WHERE application_id = $1 AND {_KNOWN} AND status = 'pending'",
        application_id,
        digest,
        user_id,
    )
    return maybe(Operation, row)


async def on_user(tx: Tx, application_id: UUID, user_id: UUID) -> list[Operation]:
    """What was done to the user, newest first."""
    rows = await tx.fetch(
        f"SELECT {_COLUMNS} FROM operations WHERE application_id = $1 AND user_id = $2 ORDER BY number DESC",
        application_id,
        user_id,
    )
    return many(Operation, rows)


async def count_shown(
    tx: Tx, application_id: UUID, digest: bytes, user_id: UUID | None, kinds: Sequence[OperationKind]
) -> int:
    """How many operations `shown` has to give."""
    count: int = await tx.value(
        f"SELECT count(*) FROM operations WHERE application_id = $1 AND {_SHOWN}",
        application_id,
        digest,
        user_id,
        kinds,
        tx.now,
    )
    return count


async def shown(
    tx: Tx,
    application_id: UUID,
    digest: bytes,
    user_id: UUID | None,
    kinds: Sequence[OperationKind],
    first: int,
    limit: int,
) -> list[Operation]:
    """`limit` operations of these kinds from index `first`, newest first: those of every user that the application
    has known by the id behind `digest`, or of `user_id` where that one never had an id of the application's own.
    """
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM operations WHERE application_id = $1 AND {_SHOWN}
        ORDER BY started_at DESC, number DESC OFFSET $6 LIMIT $7
        """,
        application_id,
        digest,
        user_id,
        kinds,
        tx.now,
        first,
        limit,
    )
    return many(Operation, rows)


async def shown_by_id(
    tx: Tx,
    application_id: UUID,
    digest: bytes,
    user_id: UUID | None,
    kinds: Sequence[OperationKind],
    operation_id: UUID,
) -> Operation:
    """One of those that `shown` gives. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM operations WHERE application_id = $1 AND {_SHOWN} AND id = $6",
        application_id,
        digest,
        user_id,
        kinds,
        tx.now,
        operation_id,
    )
    return one(Operation, row, "operation")


async def orphans(tx: Tx) -> list[Operation]:
    """Pending erasures whose job is no longer in the queue."""
    rows = await tx.fetch(
        f"""
        -- every application: the housekeeping of the whole server
        SELECT {_COLUMNS} FROM operations WHERE status = 'pending' AND kind = 'erase' AND NOT EXISTS (
            SELECT FROM pgqueuer WHERE entrypoint = 'erase'
                AND convert_from(payload, 'UTF8')::jsonb ->> 'operation_id' = operations.id::text
        )
        """
    )
    return many(Operation, rows)


async def any_erasure(tx: Tx) -> bool:
    """Whether the records know of anybody who was erased."""
    return bool(
        await tx.value(
            """
            -- every application: a question about the whole server
            SELECT EXISTS (SELECT FROM operations WHERE kind = 'erase' AND status = 'successful')
            """
        )
    )
