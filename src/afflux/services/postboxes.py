"""Postboxes: a contract pushes files, and they become documents of the user.

A postbox has a key pair of its own, whose private half is sealed with the user's key.
"""

import asyncio
import hashlib
import mimetypes
import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from uuid import UUID, uuid4

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from afflux.domain.applications import Registration
from afflux.domain.errors import Conflict
from afflux.domain.events import EventType, NewEvent
from afflux.domain.origins import HandedIn
from afflux.domain.principal import Principal, Role
from afflux.domain.records import DocumentRecord
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import documents, places, uploads
from afflux.services.library_tokens import word
from afflux.store import documents as document_store
from afflux.store import postboxes as store
from afflux.store import users
from afflux.store.database import Tx
from afflux.store.postboxes import Item, Postbox
from afflux.store.vault import Vault

#: Files that wait in one postbox at most.
MOST = 100
_EXTENSION = re.compile(r"[a-z0-9]{1,10}")


@dataclass(frozen=True, slots=True)
class Pushed:
    """A file as it was pushed, decrypted."""

    name: str
    mime: str
    #: What its contract says of it: a JSON object.
    descriptor: bytes
    content: bytes


async def opened(runtime: Runtime, registration: Registration, user_id: UUID) -> Postbox:
    """The contract's postbox for a user; made when there is none. Raises `NotFound` for a user who is gone."""
    async with runtime.database.reading() as tx:
        found = await store.of_user(tx, registration, user_id)
        user = await users.by_id(tx, registration.application.id, user_id)
    if found is not None:
        return found
    key = await asyncio.to_thread(rsa.generate_private_key, public_exponent=65537, key_size=2048)
    async with runtime.database.transaction() as tx:
        await store.insert(tx, _new(runtime.vault, registration, user, key))
        made = await store.of_user(tx, registration, user_id)
    assert made is not None  # noqa: S101 - just made, by us or by somebody else
    return made


def _new(vault: Vault, registration: Registration, user: User, key: RSAPrivateKey) -> Postbox:
    postbox_id = uuid4()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode("ascii")
    sealed = vault.of(user).seal(places.postbox_key(user.application_id, postbox_id), private)
    return Postbox(postbox_id, user.application_id, registration.id, user.id, word(), public, sealed)


def key_of(vault: Vault, user: User, postbox: Postbox) -> RSAPrivateKey:
    """What opens the keys that files are pushed with."""
    plain = vault.of(user).open(places.postbox_key(user.application_id, postbox.id), postbox.private_key)
    # Nobody but us can have sealed it, and to prove its numbers prime once more takes a while.
    key = load_pem_private_key(plain, None, unsafe_skip_rsa_key_validation=True)
    assert isinstance(key, RSAPrivateKey)  # noqa: S101 - we made it
    return key


async def keep(tx: Tx, vault: Vault, user: User, postbox: Postbox, pushed: Pushed) -> None:
    """Let the file wait until somebody triggers an import. Raises `Conflict` when too many wait."""
    if await store.count_items(tx, user.application_id, postbox.id) >= MOST:
        raise Conflict("the postbox is full")
    item_id, sealer = uuid4(), vault.of(user)
    descriptor, content = (
        sealer.seal(places.postbox_item(user.application_id, item_id, column), value)
        for column, value in (("descriptor", _with_type(pushed)), ("content", pushed.content))
    )
    await store.insert_item(tx, postbox, Item(item_id, postbox.registration_id, pushed.name, descriptor, content))


def _with_type(pushed: Pushed) -> bytes:
    """The descriptor after its media type, on a line of its own."""
    return pushed.mime.encode() + b"\n" + pushed.descriptor


async def deliver(tx: Tx, runtime: Runtime, user_id: UUID, registration: Registration, pushed: Pushed) -> None:
    """Make the file a document of the user now. Raises `NotFound` when he is gone."""
    application_id = registration.application.id
    await users.lock(tx, application_id, user_id)
    await _import(tx, runtime, await users.by_id(tx, application_id, user_id), registration.id, pushed)


async def import_waiting(tx: Tx, runtime: Runtime, application_id: UUID, user_id: UUID) -> None:
    """Make documents of all that waits in the user's postboxes. Raises `NotFound` when he is gone."""
    if not await store.waits(tx, application_id, user_id):
        return
    await users.lock(tx, application_id, user_id)
    user = await users.by_id(tx, application_id, user_id)
    while (item := await store.take_item(tx, application_id, user_id)) is not None:
        await _import(tx, runtime, user, item.registration_id, _unsealed(runtime.vault, user, item))


def _unsealed(vault: Vault, user: User, item: Item) -> Pushed:
    sealer = vault.of(user)
    said = sealer.open(places.postbox_item(user.application_id, item.id, "descriptor"), item.descriptor)
    content = sealer.open(places.postbox_item(user.application_id, item.id, "content"), item.content)
    mime, _, descriptor = said.partition(b"\n")
    return Pushed(item.name, mime.decode(), descriptor, content)


async def _import(tx: Tx, runtime: Runtime, user: User, registration_id: UUID, pushed: Pushed) -> None:
    """A new document, in the connection that the user's own files belong to. The caller holds the user's row."""
    principal = Principal(user.application_id, Role.APPLICATION, user.id)
    connection = await uploads.connection_for_files(tx, runtime.vault, runtime.registry, principal, user)
    origin, sealer, document_id = HandedIn(user.application_id, user.id, connection.id), runtime.vault.of(user), uuid4()
    blob_id = await documents.keep_bytes(tx, sealer, origin, pushed.content)
    digest = hashlib.sha1(pushed.content, usedforsecurity=False).digest()
    record = DocumentRecord(
        key=document_id.hex,
        name=pushed.name,
        extension=_extension(pushed),
        mime=pushed.mime,
        created_at=tx.now,
        content=pushed.content,
    )
    await document_store.upsert(tx, origin, document_id, None, blob_id, record, digest)
    said = sealer.seal(places.pushed_descriptor(user.application_id, document_id), pushed.descriptor)
    await store.describe(tx, user.application_id, user.id, document_id, registration_id, said)
    data = {"document_id": document_id}
    tx.record(NewEvent(user.application_id, EventType.DOCUMENT_ADDED, user.id, data, connection.id))


def _extension(pushed: Pushed) -> str:
    """From the name, else from the type."""
    of_name = PurePosixPath(pushed.name).suffix.removeprefix(".").lower()
    of_type = (mimetypes.guess_extension(pushed.mime) or "").removeprefix(".")
    return next((each for each in (of_name, of_type) if _EXTENSION.fullmatch(each)), "bin")
