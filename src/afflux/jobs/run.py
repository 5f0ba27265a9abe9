"""One run of one sync: what it needs, and what it has come to."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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
    #: The text that goes with the first failure.
    detail: str = ""

    def manifest(self, channel_id: int) -> tuple[Manifest, Channel]:
        """The connector that runs a channel."""
        manifest, _, channel = self.runtime.registry.channel(channel_id)
        return manifest, channel

    @property
    def outcomes(self) -> Mapping[str, str]:
        """By channel id (as text): `success` or an error code."""
        return self.sync.outcomes

    def note(self, channel_id: int, outcome: str) -> None:
        """The channel has come to this in this stage."""
        self.sync = replace(self.sync, outcomes={**self.outcomes, str(channel_id): outcome})

    @property
    def failures(self) -> dict[str, str]:
        """The channels that failed, with the error of each."""
        return {id: outcome for id, outcome in self.outcomes.items() if outcome != SUCCESS}
