"""One run of one sync: what it needs, and what it has come to."""

from dataclasses import dataclass, field

from afflux.domain.catalogue import Channel, Manifest
from afflux.domain.connections import ConnectionChannel
from afflux.domain.syncs import Sync
from afflux.domain.users import User
from afflux.runtime import Runtime
from afflux.services.accounts import KnownAccounts
from afflux.services.intake import Result
from afflux.store.vault import Sealer

#: What a channel came to when it was well.
SUCCESS = "success"


@dataclass(slots=True)
class Run:
    """One run of one sync: what it needs, and what it has come to."""

    runtime: Runtime
    sync: Sync
    user: User
    sealer: Sealer
    channels: list[ConnectionChannel]
    known: KnownAccounts
    cursors: dict[str, str]
    #: Days by which the clocks of some connectors' banks run ahead.
    ahead: dict[str, int]
    result: Result
    #: By channel id (as text): `success` or an error code.
    outcomes: dict[str, str] = field(default_factory=dict)
    #: The text that goes with the first failure.
    detail: str = ""

    def manifest(self, channel_id: int) -> tuple[Manifest, Channel]:
        """The connector that runs a channel."""
        manifest, _, channel = self.runtime.registry.channel(channel_id)
        return manifest, channel

    @property
    def failures(self) -> dict[str, str]:
        """The channels that failed, with the error of each."""
        return {id: outcome for id, outcome in self.outcomes.items() if outcome != SUCCESS}
