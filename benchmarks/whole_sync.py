"""The first sync of a large account as a user sees it: asked for, run by the worker, finished."""

import time
from statistics import median

from afflux.domain.syncs import Sync
from afflux.runtime import Runtime
from benchmarks.cast import Tenant, link, make_tenant, request, until
from benchmarks.copying import copy_seconds, empty
from benchmarks.ground import Server
from benchmarks.results import Result
from benchmarks.rows import history
from benchmarks.scale import Scale


async def whole_sync(server: Server, scale: Scale) -> list[Result]:
    """Request to finished, the bank's own time and the connector's host included, as a share of the speed of COPY."""
    runtime, tenant = server.runtime, await make_tenant(server.runtime)
    rounds = [
        (await _copied(runtime, tenant, scale), await _synced(runtime, tenant, scale)) for _ in range(scale.rounds)
    ]
    copied, synced = (median(each) for each in zip(*rounds, strict=True))
    return [
        Result(
            what=f"the same through the worker, from the sandbox's history-{scale.rows}",
            measured=100 * median(copy / ours for copy, ours in rounds),
            unit="%",
            target=50,
            at_least=True,
            detail=f"{synced:.1f} s, {scale.rows / synced:,.0f} rows/s; COPY {scale.rows / copied:,.0f} rows/s",
        )
    ]


async def _copied(runtime: Runtime, tenant: Tenant, scale: Scale) -> float:
    """COPY into an account that a sync has made."""
    sync = await _sync(runtime, tenant, "history-1")
    account_id = await runtime.database.pool.fetchval(
        "SELECT id FROM accounts WHERE connection_id = $1", sync.connection_id
    )
    await empty(runtime)
    return await copy_seconds(runtime, sync, account_id, history(scale.rows))


async def _synced(runtime: Runtime, tenant: Tenant, scale: Scale) -> float:
    await empty(runtime)
    began = time.perf_counter()
    await _sync(runtime, tenant, f"history-{scale.rows}")
    seconds = time.perf_counter() - began
    assert await runtime.database.pool.fetchval("SELECT count(*) FROM transactions") == scale.rows
    return seconds


async def _sync(runtime: Runtime, tenant: Tenant, login: str) -> Sync:
    connection = await link(runtime, tenant, login)
    sync = await request(runtime, tenant, connection)
    await until(runtime, sync, "finished", pause=0.02)
    return sync
