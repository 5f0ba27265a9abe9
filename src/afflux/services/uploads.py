"""Statement files that users hand in: kept sealed until a sync has read them, whole or not at all."""

from uuid import UUID, uuid4

from afflux.connectors.registry import Registry
from afflux.domain.catalogue import Auth
from afflux.domain.connections import Connection
from afflux.domain.errors import InvalidInput, NotFound
from afflux.domain.principal import Principal
from afflux.domain.syncs import SyncKind
from afflux.domain.users import User
from afflux.services import connections as linking
from afflux.services import places, syncs
from afflux.services.users import check_principal
from afflux.store import connections, users
from afflux.store import uploads as store
from afflux.store.database import Tx
from afflux.store.vault import Vault

#: Bytes; baseline section 5.
LARGEST = 25 * 1024 * 1024


async def hand_in(
    tx: Tx,
    vault: Vault,
    registry: Registry,
    principal: Principal,
    user: User,
    name: str,
    content: bytes,
    mapping: str | None = None,
) -> UUID:
    """Keep a file and ask for the sync that reads it; the upload's id. Links the user to statement files where that
    is still to be done.

    Raises `InvalidInput` for a file of more than `LARGEST` bytes and a mapping that is no text, `NotFound` for an
    unknown user.
    """
    check_principal(principal, user.id)
    if len(content) > LARGEST:
        raise InvalidInput(f"{name}: larger than {LARGEST // 1024 // 1024} MiB")
    if mapping is not None and not linking.is_text(mapping):
        raise InvalidInput("the mapping is not text")
    await users.lock(tx, principal.application_id, user.id)  # Two first files at once must not make two connections.
    connection = await connection_for_files(tx, vault, registry, principal, user)
    upload_id = uuid4()
    sealed = vault.of(user).seal(places.upload(user.application_id, upload_id), content)
    await store.insert(tx, upload_id, connection, _shown(name), mapping, sealed)
    await syncs.request(tx, principal, connection, SyncKind.ALL, interactive=True)
    return upload_id


def _shown(name: str) -> str:
    """The name as it can be kept and shown: one line of at most 255 characters."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in name)[:255]


async def connection_for_files(
    tx: Tx, vault: Vault, registry: Registry, principal: Principal, user: User
) -> Connection:
    """What the user's files belong to; made when the first one comes. The caller holds the user's row."""
    provider_id, channel_id = _file_channel(registry)
    for connection in await connections.of_user(tx, principal.application_id, user.id):
        if connection.provider_id == provider_id:
            return connection
    return await linking.create(tx, vault, registry, principal, user, provider_id, {channel_id: {}}, auto_sync=False)


def _file_channel(registry: Registry) -> tuple[int, int]:
    """Provider and channel that read files."""
    for provider in registry.providers():
        for channel in provider.channels:
            if channel.auth is Auth.FILE:
                return provider.id, channel.id
    raise NotFound("no connector for statement files is installed")
