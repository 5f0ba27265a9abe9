"""Providers and their channel definitions (contract: section 3.2)."""

from enum import StrEnum

import msgspec

from afflux.domain.catalogue import Auth, Channel, Kind, Provider
from afflux.domain.challenges import FieldType, FormField


class Mode(StrEnum):
    """How a channel reaches its provider."""

    #: The user agrees on the bank's own page (PSD2).
    REDIRECT = "REDIRECT"
    #: The user types what the bank asks for.
    EMBEDDED = "EMBEDDED"


class Credential(msgspec.Struct):
    """One thing to ask the user for."""

    key: str
    label: str
    #: `TEXT` or `PASSWORD`.
    type: str
    required: bool


class ChannelDefinition(msgspec.Struct):
    """One way to reach a provider."""

    id: str
    mode: Mode
    account_types: list[str]
    credentials: list[Credential]


class ProviderObject(msgspec.Struct):
    """A bank. Channels by redirect come first."""

    id: str
    name: str
    logo_url: str
    #: ISO 3166-1 alpha-2.
    country: str
    channel_definitions: list[ChannelDefinition]


_MODES = {Auth.REDIRECT: Mode.REDIRECT, Auth.CREDENTIALS: Mode.EMBEDDED}
_ACCOUNT_TYPES = {
    Mode.REDIRECT: ["CHECKINGS", "CREDIT_CARD"],
    Mode.EMBEDDED: ["CHECKINGS", "SAVINGS", "LOAN", "CREDIT_CARD"],
}
_FIELD_TYPES = {FieldType.TEXT: "TEXT", FieldType.PASSWORD: "PASSWORD"}


def channels_of(provider: Provider) -> list[Channel]:
    """The provider's channels that this dialect knows: those that bring accounts by redirect or form, in this order."""
    known = [channel for channel in provider.channels if channel.auth in _MODES and Kind.ACCOUNTS in channel.kinds]
    return sorted(known, key=lambda channel: channel.auth is not Auth.REDIRECT)


def mode_of(channel: Channel) -> Mode:
    """How one of these reaches its provider."""
    return _MODES[channel.auth]


def account_types(mode: Mode) -> list[str]:
    """The types of accounts that channels of a mode bring."""
    return _ACCOUNT_TYPES[mode]


def credential(field: FormField) -> Credential:
    """A form field."""
    return Credential(field.name, field.label, _FIELD_TYPES[field.type], field.required)


def provider_object(provider: Provider, public_url: str) -> ProviderObject:
    """The provider as listed and read."""
    return ProviderObject(
        id=str(provider.id),
        name=provider.name,
        logo_url=logo_url(provider, public_url),
        country=provider.country,
        channel_definitions=[
            ChannelDefinition(
                str(channel.id),
                mode_of(channel),
                account_types(mode_of(channel)),
                [credential(field) for field in channel.fields],
            )
            for channel in channels_of(provider)
        ],
    )


def logo_url(provider: Provider | None, public_url: str) -> str:
    """The provider's logo; our own picture of a bank where it brings none."""
    return (provider.logo if provider else None) or f"{public_url}/signin/bank.svg"
