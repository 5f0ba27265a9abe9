"""Storing documents: bytes sealed and kept once for each user and content."""

import asyncio
import hashlib
import itertools
from collections.abc import AsyncIterator, Sequence
from uuid import UUID, uuid4

from afflux.domain.accounts import Document
from afflux.domain.errors import NotFound
from afflux.domain.events import EventType, NewEvent
from afflux.domain.origins import Origin
from afflux.domain.records import DocumentRecord
from afflux.domain.syncs import Sync
from afflux.domain.users import User
from afflux.services import places
from afflux.services.accounts import KnownAccounts
from afflux.store import documents as store
from afflux.store.database import Database, Tx
from afflux.store.vault import Sealer, Vault

#: Bytes that are read at a time.
_PIECE = 256 * 1024


async def keep(
    tx: Tx, sealer: Sealer, sync: Sync, known: KnownAccounts, records: Sequence[DocumentRecord]
) -> tuple[int, int]:
    """Store the documents that are new or differ; how many were added, and how many changed."""
    held = await store.known(tx, sync, [record.key for record in records])
    added = changed = 0
    for record in {record.key: record for record in records}.values():
        sha1 = hashlib.sha1(record.content, usedforsecurity=False).digest()
        before = held.get(record.key)
        if before is not None and before[1:] == store.facts(record, sha1):
            continue
        document_id = before[0] if before is not None and isinstance(before[0], UUID) else uuid4()
        account_id = known.ids.get(record.account_key or "")
        blob_id = await keep_bytes(tx, sealer, sync, record.content)
        await store.upsert(tx, sync, document_id, account_id, blob_id, record, sha1)
        tx.record(_event(sync, EventType.DOCUMENT_CHANGED if before else EventType.DOCUMENT_ADDED, document_id))
        added, changed = added + (before is None), changed + (before is not None)
    return added, changed


def _event(sync: Sync, type: EventType, document_id: UUID) -> NewEvent:
    data = {"document_id": document_id}
    return NewEvent(sync.application_id, type, sync.user_id, data, sync.connection_id, sync.id)


async def keep_bytes(tx: Tx, sealer: Sealer, origin: Origin, content: bytes) -> UUID:
    """Where the user's one copy of these bytes is, sealed; they are stored when they are new."""
    sha256 = hashlib.sha256(content).digest()
    found = await store.blob(tx, origin, sha256)
    if found is not None:
        return found
    blob_id = uuid4()
    sealed = await asyncio.to_thread(sealer.seal, places.blob(origin.application_id, blob_id), content)
    await store.insert_blob(tx, origin, blob_id, sha256, len(content), sealed)
    return blob_id


async def content(tx: Tx, vault: Vault, user: User, document: Document) -> bytes:
    """The document's bytes. Raises `NotFound` for a document of somebody else."""
    sealed = await store.content(tx, user.application_id, user.id, document.blob_id)
    if sealed is None:
        raise NotFound("document not found")
    return await asyncio.to_thread(vault.of(user).open, places.blob(user.application_id, document.blob_id), sealed)


async def pieces(database: Database, vault: Vault, user: User, document: Document) -> AsyncIterator[bytes]:
    """The document's bytes piece by piece, with no transaction around them. Once the last has come they are proven to
    be what was stored. Raises `NotFound` when the document is gone, and `DecryptionFailed`.
    """
    sealed = _sealed_pieces(database, user, document.blob_id)
    async for piece in vault.of(user).open_pieces(places.blob(user.application_id, document.blob_id), sealed):
        yield piece


async def _sealed_pieces(database: Database, user: User, blob_id: UUID) -> AsyncIterator[bytes]:
    for number in itertools.count():
        async with database.reading() as tx:
            piece = await store.content_part(tx, user.application_id, user.id, blob_id, number * _PIECE, _PIECE)
        if piece is None:
            raise NotFound("document not found")
        yield piece
        if len(piece) < _PIECE:
            return
