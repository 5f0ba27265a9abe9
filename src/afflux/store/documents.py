"""Documents, and their bytes: sealed, kept once for each user and content."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from afflux.domain.accounts import Document
from afflux.domain.origins import Origin
from afflux.domain.records import DocumentRecord, DocumentType
from afflux.domain.syncs import Sync
from afflux.store.database import Tx
from afflux.store.rows import many, one

_COLUMNS = """id, number, connection_id, account_id, blob_id, name, extension, mime, size, type, amount, payment_date,
              sha1, dated_at, created_at"""


async def of_user(
    tx: Tx,
    application_id: UUID,
    user_id: UUID,
    types: Sequence[DocumentType] | None = None,
    first: int = 0,
    limit: int | None = None,
) -> list[Document]:
    """Documents of the user, of these types where some are named, last stored first: `limit` from index `first`."""
    rows = await tx.fetch(
        f"""
        SELECT {_COLUMNS} FROM documents
        WHERE application_id = $1 AND user_id = $2 AND ($3::text[] IS NULL OR type = ANY($3))
        ORDER BY created_at DESC, number OFFSET $4 LIMIT $5
        """,
        application_id,
        user_id,
        types,
        first,
        limit,
    )
    return many(Document, rows)


async def count(tx: Tx, application_id: UUID, user_id: UUID, types: Sequence[DocumentType] | None = None) -> int:
    """How many documents the user has, of these types where some are named."""
    return int(
        await tx.value(
            """
            SELECT count(*) FROM documents
            WHERE application_id = $1 AND user_id = $2 AND ($3::text[] IS NULL OR type = ANY($3))
            """,
            application_id,
            user_id,
            types,
        )
    )


async def by_id(tx: Tx, application_id: UUID, user_id: UUID, document_id: UUID) -> Document:
    """One document of the user. Raises `NotFound`."""
    row = await tx.row(
        f"SELECT {_COLUMNS} FROM documents WHERE application_id = $1 AND user_id = $2 AND id = $3",
        application_id,
        user_id,
        document_id,
    )
    return one(Document, row, "document")


async def content(tx: Tx, application_id: UUID, user_id: UUID, blob_id: UUID) -> bytes:
    """The sealed bytes."""
    sealed: bytes = await tx.value(
        "SELECT content FROM blobs WHERE application_id = $1 AND user_id = $2 AND id = $3",
        application_id,
        user_id,
        blob_id,
    )
    return sealed


async def content_part(
    tx: Tx, application_id: UUID, user_id: UUID, blob_id: UUID, first: int, length: int
) -> bytes | None:
    """The sealed bytes from index `first`, at most `length` of them; None when there is no such content (any more)."""
    part: bytes | None = await tx.value(
        """
        SELECT substring(content FROM $4 FOR $5) FROM blobs WHERE application_id = $1 AND user_id = $2 AND id = $3
        """,
        application_id,
        user_id,
        blob_id,
        first + 1,
        length,
    )
    return part


async def known(tx: Tx, sync: Sync, keys: Sequence[str]) -> dict[str, tuple[object, ...]]:
    """What is held under these keys, as `facts` puts it, by key."""
    rows = await tx.fetch(
        """
        SELECT key, id, sha1, name, extension, mime, type, amount, payment_date, dated_at FROM documents
        WHERE application_id = $1 AND connection_id = $2 AND key = ANY($3)
        """,
        sync.application_id,
        sync.connection_id,
        list(keys),
    )
    return {row["key"]: tuple(row)[1:] for row in rows}


def facts(record: DocumentRecord, sha1: bytes) -> tuple[bytes, str, str, str, str, Decimal | None, object, datetime]:
    """Everything of a document that is compared."""
    return (
        sha1, record.name, record.extension, record.mime, record.type.value, record.amount, record.payment_date,
        record.created_at,
    )  # fmt: skip


async def blob(tx: Tx, origin: Origin, sha256: bytes) -> UUID | None:
    """Where the user's copy of this content is, if there is one."""
    found: UUID | None = await tx.value(
        "SELECT id FROM blobs WHERE application_id = $1 AND user_id = $2 AND sha256 = $3",
        origin.application_id,
        origin.user_id,
        sha256,
    )
    return found


async def insert_blob(tx: Tx, origin: Origin, blob_id: UUID, sha256: bytes, size: int, sealed: bytes) -> None:
    """Keep sealed bytes."""
    await tx.execute(
        """
        INSERT INTO blobs (id, application_id, user_id, sha256, size, content) VALUES ($1, $2, $3, $4, $5, $6)
        """,
        blob_id,
        origin.application_id,
        origin.user_id,
        sha256,
        size,
        sealed,
    )


async def upsert(
    tx: Tx,
    origin: Origin,
    document_id: UUID,
    account_id: UUID | None,
    blob_id: UUID,
    record: DocumentRecord,
    sha1: bytes,
) -> None:
    """Add a document, or make the one with this key say what the provider says now; its id stays."""
    await tx.execute(
        """
        INSERT INTO documents (id, application_id, user_id, connection_id, account_id, blob_id, key, name, extension,
                               mime, size, type, amount, payment_date, sha1, dated_at, created_at, updated_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $17)
        ON CONFLICT (connection_id, key) DO UPDATE
        SET account_id = $5, blob_id = $6, name = $8, extension = $9, mime = $10, size = $11, type = $12, amount = $13,
            payment_date = $14, sha1 = $15, dated_at = $16, updated_at = $17
        """,
        document_id,
        origin.application_id,
        origin.user_id,
        origin.connection_id,
        account_id,
        blob_id,
        record.key,
        record.name,
        record.extension,
        record.mime,
        len(record.content),
        record.type,
        record.amount,
        record.payment_date,
        sha1,
        record.created_at,
        tx.now,
    )


async def drop_unused_blobs(tx: Tx, application_id: UUID, user_id: UUID) -> None:
    """Delete bytes that no document of the user refers to any more."""
    await tx.execute(
        """
        DELETE FROM blobs WHERE application_id = $1 AND user_id = $2
        AND NOT EXISTS (SELECT FROM documents WHERE documents.application_id = $1 AND documents.blob_id = blobs.id)
        """,
        application_id,
        user_id,
    )


async def detach(tx: Tx, application_id: UUID, account_id: UUID) -> None:
    """The documents of an account belong to its connection only."""
    await tx.execute(
        "UPDATE documents SET account_id = NULL WHERE application_id = $1 AND account_id = $2",
        application_id,
        account_id,
    )
