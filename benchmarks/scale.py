"""How much is measured: everything, or just enough to see that it works."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The sizes of all benchmarks."""

    #: Transactions of the large account.
    rows: int = 100_000
    #: Times that a benchmark on noisy disks is repeated; its median counts.
    rounds: int = 3
    #: Accounts behind one connection.
    accounts: int = 50
    #: Connections to a slow bank, and the seconds it takes for a call.
    connections: int = 1000
    slow_seconds: int = 3
    #: Syncs asked for on an idle server.
    pickups: int = 40
    #: Reads that are compared, and transactions of the account with far pages.
    reads: int = 5000
    far_rows: int = 1_000_000
    #: Triggers of digi.me, and the libraries they are for.
    triggers: int = 3000
    libraries: int = 200
    #: Seconds that the server is left alone before it is watched, and watched.
    settle_seconds: float = 5.0
    idle_seconds: float = 20.0
    #: Seconds after which a worker counts as dead; None is the server's own default.
    heartbeat_seconds: int | None = None


FULL = Scale()
QUICK = Scale(
    rows=1000,
    rounds=1,
    accounts=5,
    connections=5,
    slow_seconds=1,
    pickups=2,
    reads=40,
    far_rows=5_000,
    triggers=40,
    libraries=8,
    settle_seconds=0.0,
    idle_seconds=0.5,
    heartbeat_seconds=1,
)
