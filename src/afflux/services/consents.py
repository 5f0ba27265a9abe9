"""Consents: a person agrees on the provider's own page, and the channel may run for a while."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlencode, urljoin

import msgspec

from afflux.connectors.registry import Registry
from afflux.domain.applications import Application
from afflux.domain.catalogue import Auth, Channel
from afflux.domain.connections import Connection, ConsentRequest
from afflux.domain.errors import InvalidInput, NotFound
from afflux.domain.events import EventType, NewEvent
from afflux.domain.operations import OperationKind
from afflux.domain.principal import Principal, Role
from afflux.domain.syncs import SyncKind
from afflux.services import places, syncs
from afflux.services.operations import act
from afflux.store import connections, users
from afflux.store import consent_requests as store
from afflux.store.database import Tx
from afflux.store.vault import Vault

#: Of a state that nobody comes back with.
LIFE = timedelta(hours=1)
#: Where providers send the browser back to.
RETURN = "/widget/return"
#: Letters of one value that a provider sends back.
_LONGEST = 4096


async def ask(
    tx: Tx,
    registry: Registry,
    application: Application,
    connection: Connection,
    channel_id: int,
    public_url: str,
    redirect_url: str | None,
    told: Mapping[str, str],
) -> str:
    """The address to send the person to, good once and for an hour; an earlier one of the channel is void.

    Afterwards the person goes on to `redirect_url`, which is `told` these values in its query, and `error` where
    consent was refused. Raises `InvalidInput` for an address that the application did not register, and for a channel
    that is not linked or needs no consent.
    """
    if redirect_url is not None and redirect_url not in application.redirect_uris:
        raise InvalidInput("redirect_url is not one of the application's")
    home = with_query(redirect_url, told) if redirect_url is not None else None
    return await _send(tx, registry, connection, channel_id, public_url, home)


async def ask_on_page(
    tx: Tx, registry: Registry, connection: Connection, channel_id: int, public_url: str, page: str
) -> str:
    """The same for a person who is on a page of ours, a path, and comes back to it. Raises `InvalidInput`."""
    return await _send(tx, registry, connection, channel_id, public_url, page)


async def _send(
    tx: Tx, registry: Registry, connection: Connection, channel_id: int, public_url: str, home: str | None
) -> str:
    channel = await _channel(tx, registry, connection, channel_id)
    state = secrets.token_urlsafe(32)
    request = ConsentRequest(connection.id, channel.id, connection.application_id, connection.user_id, home)
    await store.put(tx, request, _hashed(state), tx.now + LIFE)
    page = urljoin(f"{public_url}/", channel.consent_url or "")
    return with_query(page, {"state": state, "redirect_uri": public_url + RETURN})


async def _channel(tx: Tx, registry: Registry, connection: Connection, channel_id: int) -> Channel:
    linked = await connections.channel_states(tx, connection.application_id, connection.id)
    if channel_id not in {state.channel_id for state in linked}:
        raise InvalidInput("unknown channel")
    _, _, channel = registry.channel(channel_id)
    if channel.auth is not Auth.REDIRECT:
        raise InvalidInput("the channel needs no consent")
    return channel


async def asked(tx: Tx, state: str) -> ConsentRequest:
    """Whom a state belongs to, and what is asked. Raises `NotFound` where it is unknown, used or over."""
    return await store.by_state(tx, _hashed(state))


async def answered(
    tx: Tx, vault: Vault, registry: Registry, state: str, parameters: Mapping[str, str]
) -> ConsentRequest:
    """The person came back with these parameters: use the state up, and where they bring consent, keep it and ask for
    a sync. Raises `NotFound` for a state that is unknown, used or over, or whose connection is gone.
    """
    seen = await asked(tx, state)
    await syncs.guard(tx, seen.application_id, seen.user_id, seen.connection_id)
    request = await store.take(tx, seen.application_id, _hashed(state))
    if request is None:
        raise NotFound("consent request not found")
    grant = sent_back(parameters)
    if not grant or "error" in grant:
        return _refused(request, grant)
    connection = await connections.by_id(tx, request.application_id, request.user_id, request.connection_id)
    _, _, channel = registry.channel(request.channel_id)
    await give(tx, vault, connection, channel, grant)
    principal = Principal(request.application_id, Role.USER, request.user_id)
    await syncs.request_anew(tx, principal, connection, SyncKind.ACCOUNTS, interactive=True)
    return request


def sent_back(parameters: Mapping[str, str]) -> dict[str, str]:
    """What of a way back's query is the provider's to say."""
    return {name: value for name, value in parameters.items() if len(value) <= _LONGEST and name != "state"}


def _refused(request: ConsentRequest, grant: Mapping[str, str]) -> ConsentRequest:
    home = request.redirect_url and with_query(request.redirect_url, {"error": grant.get("error", "access_denied")})
    return replace(request, redirect_url=home)


async def give(tx: Tx, vault: Vault, connection: Connection, channel: Channel, grant: Mapping[str, str]) -> None:
    """Consent was given for this channel, from now on and for as long as the provider lets it last. After `guard`.

    The connector gets `grant`, what the provider's page sent back, as it gets what is typed elsewhere.
    """
    ids = (connection.application_id, connection.id)
    user = await users.by_id(tx, connection.application_id, connection.user_id)
    place = places.credentials(*ids, channel.id)
    sealed = vault.of(user).seal(place, msgspec.json.encode(dict(grant)))
    await connections.set_credentials(tx, *ids, {channel.id: sealed})
    await connections.set_consent_end(tx, *ids, channel.id, tx.now + timedelta(days=channel.limits.consent_days))
    tx.act(act(Principal(connection.application_id, Role.USER, user.id), user.id, OperationKind.CONSENT_GIVEN))
    data = {"channel_id": channel.id}
    tx.record(NewEvent(connection.application_id, EventType.CONNECTION_UPDATED, user.id, data, connection.id))


def with_query(address: str, values: Mapping[str, str]) -> str:
    """The address with these values added to its query, and otherwise as it is: an app's own may end in `://`."""
    rest, hash, fragment = address.partition("#")
    base, _, query = rest.partition("?")
    more = "&".join(filter(None, (query, urlencode(values))))
    return base + (f"?{more}" if more else "") + hash + fragment


def _hashed(state: str) -> bytes:
    return hashlib.sha256(state.encode("utf-8", "replace")).digest()
