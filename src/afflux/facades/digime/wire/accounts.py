"""The accounts at services that a library's files come from (contract: section 3.9)."""

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType

from afflux.connectors.registry import Registry
from afflux.domain.connections import Connection
from afflux.domain.errors import NotFound
from afflux.facades.digime.wire.files import service_name, source_key


class AccountService(msgspec.Struct, omit_defaults=True):
    """Where an account is."""

    name: str
    logo: str | UnsetType = UNSET


class ServiceAccount(msgspec.Struct):
    """An account at a service: what a person has linked."""

    id: str
    name: str
    service: AccountService


class AccountsFile(msgspec.Struct):
    """The file `accounts.json`."""

    accounts: list[ServiceAccount]
    consentid: str


def accounts_file(linked: Sequence[Connection], registry: Registry, consent_id: str) -> AccountsFile:
    """The file's content."""
    return AccountsFile([_account(each, registry) for each in linked], consent_id)


def _account(linked: Connection, registry: Registry) -> ServiceAccount:
    service = AccountService(service_name(registry, linked.provider_id), _logo(registry, linked.provider_id))
    return ServiceAccount(source_key(linked.provider_id, linked.number), linked.login_mask or linked.name, service)


def _logo(registry: Registry, provider_id: int) -> str | UnsetType:
    try:
        return registry.provider(provider_id).logo or UNSET
    except NotFound:
        return UNSET
