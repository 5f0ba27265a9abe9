"""Providers as people know them, the channels that reach them, and what a connector says of itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from afflux.domain.challenges import FormField


class Kind(StrEnum):
    """What data a channel brings."""

    ACCOUNTS = "accounts"
    TRANSACTIONS = "transactions"
    DOCUMENTS = "documents"


class Auth(StrEnum):
    """How a channel learns that the user agrees."""

    CREDENTIALS = "credentials"
    REDIRECT = "redirect"
    TOKEN = "token"  # noqa: S105 - a way to authenticate
    FILE = "file"
    NONE = "none"


class ProviderStatus(StrEnum):
    """Whether a provider can be linked and synchronised now."""

    AVAILABLE = "available"
    MAINTENANCE = "maintenance"
    UNAVAILABLE = "unavailable"


class Isolation(StrEnum):
    """Where a connector's code runs: with us, or in a child process of its own."""

    INLINE = "inline"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A form a provider may show during a sync, such as `sms`."""

    name: str
    title: str | None = None
    fields: tuple[FormField, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the provider allows, or what its operators would find polite."""

    #: Fetches a day without the user (PSD2: four).
    unattended_per_day: int = 4
    #: How far back the first sync asks.
    history_days: int = 730
    #: Syncs of this channel at the same time over all workers; 0 means as many as there are.
    concurrency: int = 0
    #: How long a consent that was given on the provider's page is good (PSD2: 90).
    consent_days: int = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to reach a provider, run by one connector."""

    #: Stable and unique over all connectors. Oxlin shows it as `channel_definition_id`.
    id: int
    auth: Auth
    kinds: frozenset[Kind]
    #: What the user types to link; empty for redirects and files.
    fields: tuple[FormField, ...] = ()
    #: The forms that challenges may show, by step name.
    steps: tuple[Step, ...] = ()
    limits: Limits = Limits()
    #: For redirects: the provider's page where its user consents. It gets our `state`, and sends the browser back to
    #: our `redirect_uri` with it. An address without a host is one of ours (the sandbox).
    consent_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A bank or document portal."""

    #: Stable and unique over all connectors.
    id: int
    name: str
    #: ISO 3166-1 alpha-2.
    country: str
    url: str | None = None
    logo: str | None = None
    status: ProviderStatus = ProviderStatus.AVAILABLE
    #: In the order in which they are synchronised.
    channels: tuple[Channel, ...]
    #: Facts that only some dialects show (`deferred_credit_card`, `iban`, document types).
    properties: Mapping[str, bool | list[str]] = field(default_factory=dict)

    @property
    def kinds(self) -> frozenset[Kind]:
        """What its channels bring together."""
        return frozenset().union(*(channel.kinds for channel in self.channels))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a connector says of itself; found through the entry-point group `afflux.connectors`."""

    id: str
    #: Parked state of another version is refused.
    version: str
    #: Import path `package.module:attribute` of the `Connector`, loaded only where it runs.
    connector: str
    isolation: Isolation
    #: Whether it withdraws consent at the provider when asked to (`Operation.REVOKE`).
    revokes: bool = False
    #: For `process` isolation: whether the child may open connections at all.
    network: bool = True
    providers: tuple[Provider, ...]
    #: For `process` isolation: address space of the child in MiB, and seconds it may take for one run.
    memory_mib: int = 1024
    seconds: int = 300
