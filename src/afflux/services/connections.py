"""Connections: linking a provider, changing what was typed, unlinking."""

from collections.abc import Mapping
from uuid import UUID, uuid4

import msgspec

from afflux.connectors.registry import Registry
from afflux.domain.catalogue import Auth, Channel, ProviderStatus
from afflux.domain.challenges import FormField
from afflux.domain.connections import Connection, ConnectionChannel, mask_login
from afflux.domain.errors import Conflict, InvalidInput, NotFound
from afflux.domain.events import EventType, NewEvent
from afflux.domain.operations import OperationKind
from afflux.domain.principal import Principal
from afflux.domain.users import User
from afflux.services import places, syncs, users
from afflux.services.operations import act
from afflux.store import connections as store
from afflux.store import documents
from afflux.store.database import Tx
from afflux.store.vault import Sealer, Vault

#: What the user typed, by channel id and field name.
Typed = Mapping[int, Mapping[str, str]]


def check_fields(fields: tuple[FormField, ...], typed: Mapping[str, str]) -> dict[str, str]:
    """The values of a form's fields, nothing else. Raises `InvalidInput` naming the first field that is missing or
    malformed.
    """
    return {
        field.name: _checked(field, typed.get(field.name)) for field in fields if field.name in typed or field.required
    }


def _checked(field: FormField, value: str | None) -> str:
    right = (
        isinstance(value, str)
        and is_text(value)
        and len(value) >= (field.min_length or (1 if field.required else 0))
        and len(value) <= (field.max_length or 1024)
        and (not field.digits or (value.isascii() and value.isdigit()))
    )
    if not right:
        raise InvalidInput(f"Invalid parameter {field.name}")
    return str(value)


def is_text(value: str) -> bool:
    """Whether the database can keep it: no NUL, no half of a surrogate pair."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)


async def create(
    tx: Tx,
    vault: Vault,
    registry: Registry,
    principal: Principal,
    user: User,
    provider_id: int,
    typed: Typed,
    *,
    name: str | None = None,
    auto_sync: bool = True,
) -> Connection:
    """Link a provider through the channels in `typed`. The first sync is the caller's to request.

    Raises `NotFound` for an unknown user or provider, `Conflict` for a provider that cannot be linked now,
    `InvalidInput` for unknown channels and malformed values.
    """
    await users.share(tx, principal, user.id)
    provider = registry.provider(provider_id)
    if provider.status is not ProviderStatus.AVAILABLE:
        raise Conflict("Provider not available")
    channels = {channel.id: channel for channel in provider.channels}
    if not typed or not typed.keys() <= channels.keys():
        raise InvalidInput("a connection needs channels of its provider")
    values = {id: check_fields(channels[id].fields, typed[id]) for id in typed}
    connection = await store.insert(
        tx,
        uuid4(),
        principal.application_id,
        user.id,
        provider_id,
        name or provider.name,
        _mask(values),
        auto_sync,
    )
    sealed = _sealed(vault, user, connection.id, channels, values)
    for channel_id, credentials in sealed.items():
        await store.insert_channel(tx, connection, channel_id, credentials)
    tx.act(act(principal, user.id, OperationKind.CONSENT_GIVEN))
    tx.record(NewEvent(principal.application_id, EventType.CONNECTION_CREATED, user.id, {}, connection.id))
    return connection


def _mask(values: Typed) -> str | None:
    """The first login among what was typed, with its middle hidden."""
    logins = [value["login"] for value in values.values() if "login" in value]
    return mask_login(logins[0]) if logins else None


def _sealed(
    vault: Vault, user: User, connection_id: UUID, channels: Mapping[int, Channel], values: Typed
) -> dict[int, bytes | None]:
    sealer = vault.of(user)
    return {
        id: sealer.seal(places.credentials(user.application_id, connection_id, id), msgspec.json.encode(typed))
        if channels[id].auth is Auth.CREDENTIALS
        else None
        for id, typed in values.items()
    }


async def add_channels(
    tx: Tx, vault: Vault, registry: Registry, principal: Principal, user: User, connection: Connection, typed: Typed
) -> None:
    """Link further channels of the connection's provider.

    Raises `NotFound` when the connection is gone, `InvalidInput` for a channel that is unknown or linked already and
    for malformed values.
    """
    await users.share(tx, principal, user.id)
    if connection.user_id != user.id or not await store.lock(tx, principal.application_id, connection.id):
        raise NotFound("connection not found")
    channels = {channel.id: channel for channel in registry.provider(connection.provider_id).channels}
    held = {state.channel_id for state in await store.channel_states(tx, principal.application_id, connection.id)}
    if not typed.keys() <= channels.keys() - held:
        raise InvalidInput("unknown channel")
    values = {id: check_fields(channels[id].fields, typed[id]) for id in typed}
    for channel_id, credentials in _sealed(vault, user, connection.id, channels, values).items():
        await store.insert_channel(tx, connection, channel_id, credentials)
    tx.act(act(principal, user.id, OperationKind.CONSENT_GIVEN))
    tx.record(NewEvent(principal.application_id, EventType.CONNECTION_UPDATED, user.id, {}, connection.id))


async def change_credentials(
    tx: Tx, vault: Vault, registry: Registry, principal: Principal, user: User, connection: Connection, typed: Typed
) -> Connection:
    """Replace what was typed for some channels; fields that are left out keep their values. The connection as it is
    then.

    Failures are counted anew, and a channel frozen by a refusal may run again. A sync that a worker began with other
    values is cancelled; the next one is the caller's to request. Raises `NotFound` when the connection is gone,
    `InvalidInput` for a channel it does not have and malformed values.
    """
    await users.share(tx, principal, user.id)
    # Nobody may begin a sync with the old values while they are replaced.
    if connection.user_id != user.id or not await store.lock(tx, principal.application_id, connection.id):
        raise NotFound("connection not found")
    held = {each.channel_id: each for each in await store.channels(tx, principal.application_id, connection.id)}
    channels = {channel.id: channel for channel in registry.provider(connection.provider_id).channels}
    if not typed or not typed.keys() <= held.keys():
        raise InvalidInput("unknown channel")
    before = {id: _typed_before(vault.of(user), held[id]) for id in typed}
    values = {id: check_fields(channels[id].fields, before[id] | dict(typed[id])) for id in typed}
    if values != before:
        await syncs.cancel_begun(tx, connection)
    sealed = _sealed(vault, user, connection.id, channels, values)
    await store.set_credentials(tx, principal.application_id, connection.id, sealed)
    tx.act(act(principal, user.id, OperationKind.CREDENTIALS_CHANGED))
    tx.record(NewEvent(principal.application_id, EventType.CONNECTION_UPDATED, user.id, {}, connection.id))
    return await store.renewed(tx, principal.application_id, connection.id, _mask(values))


def _typed_before(sealer: Sealer, channel: ConnectionChannel) -> dict[str, str]:
    if channel.credentials is None:
        return {}
    place = places.credentials(channel.application_id, channel.connection_id, channel.channel_id)
    return msgspec.json.decode(sealer.open(place, channel.credentials), type=dict[str, str])


async def delete(tx: Tx, principal: Principal, connection: Connection) -> None:
    """Unlink: the connection goes with all its data; a run of it stops at its next write. Raises `NotFound`."""
    await users.share(tx, principal, connection.user_id)
    if not await store.delete(tx, principal.application_id, connection.id):
        raise NotFound("connection not found")
    await documents.drop_unused_blobs(tx, principal.application_id, connection.user_id)
    data = {"connection_id": connection.id}
    tx.act(act(principal, connection.user_id, OperationKind.CONSENT_WITHDRAWN))
    tx.record(NewEvent(principal.application_id, EventType.CONNECTION_DELETED, connection.user_id, data))
