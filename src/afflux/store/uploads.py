"""Statement files waiting to be read, and what came of them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from afflux.domain.connections import Connection
from afflux.domain.syncs import Sync
from afflux.domain.uploads import Upload, UploadStatus
from afflux.store.database import Tx
from afflux.store.rows import maybe, one

_COLUMNS = """id, number, application_id, user_id, connection_id, name, mapping, content, status, format, result, error,
              created_at, ended_at"""


async def insert(
    tx: Tx, upload_id: UUID, connection: Connection, name: str, mapping: str | None, sealed: bytes
) -> None:
    """Keep a sealed file until a sync has read it."""
    await tx.execute(
        """
        INSERT INTO uploads (id, application_id, user_id, connection_id, name, mapping, content, status, created_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, 'waiting', $8)
        """,
        upload_id,
        connection.application_id,
        connection.user_id,
        connection.id,
        name,
        mapping,
        sealed,
        tx.now,
    )


async def by_id(tx: Tx, application_id: UUID, upload_id: UUID) -> Upload:
    """One upload. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM uploads WHERE application_id = $1 AND id = $2", application_id, upload_id
    )
    return one(Upload, row, "upload")


async def next_waiting(tx: Tx, application_id: UUID, connection_id: UUID) -> Upload | None:
    """The oldest file of the connection that is still to be read."""
    row = await tx.row(
        f"""
        SELECT {_COLUMNS} FROM uploads
        WHERE application_id = $1 AND connection_id = $2 AND status = 'waiting' ORDER BY number LIMIT 1
        """,
        application_id,
        connection_id,
    )
    return maybe(Upload, row)


async def fail_oldest(tx: Tx, application_id: UUID, connection_id: UUID, error: str) -> int:
    """Refuse the oldest file of the connection that is still to be read; how many there were, 0 or 1."""
    return await tx.execute(
        """
        UPDATE uploads SET status = 'failed', error = $3, ended_at = $4, content = NULL
        WHERE application_id = $1 AND id = (
            SELECT id FROM uploads WHERE application_id = $1 AND connection_id = $2 AND status = 'waiting'
            ORDER BY number LIMIT 1
        )
        """,
        application_id,
        connection_id,
        error,
        tx.now,
    )


async def end(
    tx: Tx,
    sync: Sync,
    upload_id: UUID,
    status: UploadStatus,
    *,
    format: str | None,
    result: Mapping[str, Any],
    error: str | None = None,
) -> None:
    """The file was read or refused; its bytes go."""
    await tx.execute(
        """
        UPDATE uploads SET status = $3, format = $4, result = $5, error = $6, ended_at = $7, content = NULL
        WHERE application_id = $1 AND id = $2
        """,
        sync.application_id,
        upload_id,
        status,
        format,
        dict(result),
        error,
        tx.now,
    )
