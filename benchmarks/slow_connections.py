"""Very many connections to a slow bank, at once in one worker."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from afflux.domain.connections import Connection
from afflux.domain.syncs import SyncKind
from afflux.runtime import Runtime
from afflux.services import syncs
from benchmarks.cast import Tenant, connect, make_tenant, statuses
from benchmarks.ground import Server
from benchmarks.results import Result
from benchmarks.scale import Scale

#: Seconds between two looks, and after which we stop looking.
_LOOK, _PATIENCE = 0.5, 600
_MIB = 2**20
#: What comes after `slow-N` in the login: one account with a few movements, or the sandbox's family with two years.
_HISTORIES = {"20 rows each": "+history-20", "800 rows each": ""}


@dataclass(slots=True)
class _Seen:
    """The most there was of everything."""

    running: int = 0
    moved: int = 0
    finished: int = 0
    rss: int = 0


async def slow_connections(server: Server, scale: Scale) -> list[Result]:
    """The worker's memory; how many ran at the same time, how many of those had got on, how many came to a good end."""
    results = []
    for amount, suffix in _HISTORIES.items():
        results += await _measured(server, scale, f"slow-{scale.slow_seconds}{suffix}", amount)
    return results


async def _measured(server: Server, scale: Scale, login: str, amount: str) -> list[Result]:
    tenant = await make_tenant(server.runtime)
    linked = await _linked(server.runtime, tenant, login, scale.connections)
    began = time.perf_counter()
    seen = await _watched(server, await _request(server.runtime, tenant, linked))
    ended = f"after {time.perf_counter() - began:.1f} s"
    name = f"{scale.connections:,} connections to a bank of {scale.slow_seconds} s a call, {amount}"
    return [
        Result(what=f"{name}: memory of the worker", measured=seen.rss / _MIB, unit="MB", target=400, detail="RSS"),
        _of_all("… running at the same time", seen.running, scale),
        _of_all("… of these, past the bank's first answer", seen.moved, scale),
        _of_all("… finished", seen.finished, scale, ended),
    ]


def _of_all(what: str, count: int, scale: Scale, detail: str = "") -> Result:
    return Result(what=what, measured=count, unit="syncs", target=scale.connections, at_least=True, detail=detail)


async def _linked(runtime: Runtime, tenant: Tenant, login: str, count: int) -> list[Connection]:
    async with runtime.database.transaction() as tx:
        return [await connect(tx, runtime, tenant, login) for _ in range(count)]


async def _request(runtime: Runtime, tenant: Tenant, linked: Sequence[Connection]) -> list[UUID]:
    """All at one moment: the worker sees them when the transaction commits."""
    async with runtime.database.transaction() as tx:
        asked = [await syncs.request(tx, tenant.principal, each, SyncKind.ALL, interactive=True) for each in linked]
    return [sync.id for sync in asked]


async def _watched(server: Server, ids: Sequence[UUID]) -> _Seen:
    """Look on until all have ended, or for as long as we have patience."""
    seen, worker = _Seen(), server.worker()
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        now = await statuses(server.runtime, ids)
        seen.running = max(seen.running, now.get("running", 0))
        seen.moved = max(seen.moved, await _moved(server.runtime, ids))
        seen.finished = now.get("finished", 0)
        seen.rss = max(seen.rss, worker.memory_info().rss)
        if seen.finished + now.get("failed", 0) == len(ids):
            break
        await asyncio.sleep(_LOOK)
    return seen


async def _moved(runtime: Runtime, ids: Sequence[UUID]) -> int:
    """Syncs that run and have told more than that they connect."""
    count: int = await runtime.database.pool.fetchval(
        "SELECT count(*) FROM syncs WHERE id = ANY($1) AND status = 'running' AND phase <> 'connect'", list(ids)
    )
    return count
