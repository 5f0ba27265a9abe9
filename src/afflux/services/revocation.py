"""Consents at providers, withdrawn when their user is erased."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import aclosing
from datetime import timedelta

import msgspec

from afflux.connectors import host
from afflux.connectors.base import Context, Operation, Request
from afflux.domain.connections import ConnectionChannel
from afflux.domain.errors import NotFound
from afflux.domain.messages import Done
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services import places
from afflux.store import catalogue, connections
from afflux.store.vault import Sealer

log = logging.getLogger(__name__)

#: Seconds a provider has to answer; nobody's erasure waits for longer.
_PATIENCE = 3.0


async def withdraw_all(runtime: Runtime, user: User) -> int:
    """Withdraw the user's consents wherever the connector can, side by side; how many providers confirmed it.

    One that refuses or does not answer is left alone.
    """
    able = [manifest.id for manifest in runtime.registry.manifests if manifest.revokes]
    async with runtime.database.reading() as tx:
        held = await connections.channels_of_user(tx, user.application_id, user.id)
        ahead = {id: timedelta(days=await catalogue.days_ahead(tx, id)) for id in able}
    given = [each for each in held if each.credentials is not None or each.state is not None]
    return sum(await asyncio.gather(*(_withdraw(runtime, user, each, ahead) for each in given)))


async def _withdraw(runtime: Runtime, user: User, channel: ConnectionChannel, ahead: Mapping[str, timedelta]) -> bool:
    try:
        manifest, provider, _ = runtime.registry.channel(channel.channel_id)
    except NotFound:
        return False
    if manifest.id not in ahead:
        return False
    now = runtime.clock.now() + ahead[manifest.id]
    context = Context(interactive=False, now=now, deadline=now + timedelta(seconds=_PATIENCE))
    try:
        request = _request(runtime.vault.of(user), channel, provider.id)
        async with aclosing(host.run(manifest, context, request)) as messages:
            return [isinstance(message, Done) async for message in messages][-1]
    except Exception as error:
        log.warning("consent at provider %d was not withdrawn: %s", provider.id, type(error).__name__)
        return False


def _request(sealer: Sealer, channel: ConnectionChannel, provider_id: int) -> Request:
    at = (channel.application_id, channel.connection_id, channel.channel_id)
    typed, state = channel.credentials, channel.state
    return Request(
        operation=Operation.REVOKE,
        provider_id=provider_id,
        channel_id=channel.channel_id,
        connection_ref=str(channel.connection_id),
        secrets={} if typed is None else msgspec.json.decode(sealer.open(places.credentials(*at), typed)),
        state=None if state is None else sealer.open(places.channel_state(*at), state),
    )
