"""Connections and their channels (contract: section 3.3), and what is asked with them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec

from afflux.domain.catalogue import Channel, Provider, ProviderStatus
from afflux.domain.connections import ChannelState
from afflux.domain.overviews import ConnectionFacts
from afflux.facades.oxlin.states import Status, of_channel, of_connection
from afflux.facades.oxlin.wire.providers import Credential, Mode, account_types, channels_of, logo_url, mode_of
from afflux.facades.oxlin.wire.values import epoch, maybe_epoch


class Owner(msgspec.Struct):
    """Whose accounts they are."""

    name: str


class ChannelObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How one way to the provider stands."""

    channel_definition_id: str
    mode: Mode
    status: Status
    #: Seconds since 1970: the end of the user's consent, where the channel needs one.
    expires: int | msgspec.UnsetType = msgspec.UNSET
    #: Seconds since 1970.
    last_success_date: int | msgspec.UnsetType = msgspec.UNSET
    last_end_date: int | msgspec.UnsetType = msgspec.UNSET
    #: Always empty: what was typed is never shown.
    credentials: list[Credential] | None = None
    #: Of an `EMPTY` channel: whether it would bring accounts back.
    eligible_accounts: bool | None = None
    account_types: list[str]
    #: The provider cannot be reached this way at present.
    channel_definition_unavailable: bool
    #: Where the user agrees; shown once.
    auth_url: str | None = None


class ConnectionObject(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A user's link to a bank."""

    id: str
    provider_id: str
    user_id: str
    name: str
    status: Status
    #: Seconds since 1970.
    creation_date: int
    #: To be synchronised daily by itself.
    auto_sync: bool
    #: Each account waits for its user's consent.
    consent_per_account: bool
    logo_url: str
    owner: Owner | None = None
    channels: list[ChannelObject]


class Links(msgspec.Struct):
    """The connections that are going to be synchronised."""

    connection_links: list[str]


class Typed(msgspec.Struct):
    """One thing the user typed."""

    key: str
    value: str


class ChannelWish(msgspec.Struct):
    """A channel to be used, with what it needs."""

    channel_definition_id: str
    credentials: list[Typed] = []
    #: Where the user goes on to from the bank's page.
    redirect_url: str | None = None


class NewConnection(msgspec.Struct):
    """A bank to be linked."""

    provider_id: str
    channels: list[ChannelWish] = []
    name: str | None = None
    auto_sync: bool = True
    consent_per_account: bool = False


class ConnectionChanges(msgspec.Struct):
    """What is to be different; what is left out stays as it is."""

    name: str | None = None
    auto_sync: bool | None = None
    consent_per_account: bool | None = None
    channels: list[ChannelWish] = []


def connection_object(
    facts: ConnectionFacts,
    states: Sequence[ChannelState],
    provider: Provider | None,
    public_url: str,
    now: datetime,
    auth_urls: Mapping[int, str] | None = None,
) -> ConnectionObject:
    """The connection as its channels make it stand; a provider that no connector brings any more has no channels."""
    by_id = {state.channel_id: state for state in states}
    channels = [
        _channel(channel, by_id.get(channel.id), provider, facts, now, (auth_urls or {}).get(channel.id))
        for channel in (channels_of(provider) if provider else ())
    ]
    return ConnectionObject(
        id=str(facts.number),
        provider_id=str(facts.provider_id),
        user_id=str(facts.user_number),
        name=facts.name,
        status=of_connection([channel.status for channel in channels]),
        creation_date=epoch(facts.created_at),
        auto_sync=facts.auto_sync,
        consent_per_account=facts.consent_per_account,
        logo_url=logo_url(provider, public_url),
        owner=Owner(facts.owner) if facts.owner else None,
        channels=channels,
    )


def _channel(
    channel: Channel,
    state: ChannelState | None,
    provider: Provider | None,
    facts: ConnectionFacts,
    now: datetime,
    auth_url: str | None,
) -> ChannelObject:
    mode = mode_of(channel)
    away = provider is None or provider.status is not ProviderStatus.AVAILABLE
    common: dict[str, Any] = {
        "channel_definition_id": str(channel.id),
        "mode": mode,
        "account_types": account_types(mode),
        "channel_definition_unavailable": away,
    }
    if state is None:
        return ChannelObject(status=Status.EMPTY, eligible_accounts=channel.id in facts.eligible, **common)
    if mode is not Mode.REDIRECT:
        # A bank may want to see its customer now and then, but a channel by login needs no consent.
        state = replace(state, consent_expires_at=None)
    return ChannelObject(
        status=of_channel(state, now),
        expires=maybe_epoch(state.consent_expires_at),
        last_success_date=maybe_epoch(state.last_success_at),
        last_end_date=maybe_epoch(state.last_end_at),
        credentials=[],
        auth_url=auth_url,
        **common,
    )
