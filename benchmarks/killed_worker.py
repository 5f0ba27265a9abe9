"""A worker that is killed in the middle of a sync."""

import time

from afflux.domain.syncs import SyncStatus
from benchmarks.cast import link, make_tenant, request, until
from benchmarks.ground import Server
from benchmarks.results import Result
from benchmarks.scale import Scale


async def killed_worker(server: Server, scale: Scale) -> list[Result]:
    """Seconds from SIGKILL until the sync runs again, in a worker that the supervisor started meanwhile."""
    tenant = await make_tenant(server.runtime)
    connection = await link(server.runtime, tenant, f"slow-{scale.slow_seconds}")
    sync = await request(server.runtime, tenant, connection)
    await until(server.runtime, sync, SyncStatus.RUNNING)
    began = time.perf_counter()
    server.worker().kill()
    await until(server.runtime, sync, SyncStatus.RUNNING, attempt=2)
    seconds = time.perf_counter() - began
    await until(server.runtime, sync, SyncStatus.FINISHED)
    return [Result(what="killed worker: until its sync runs again", measured=seconds, unit="s", target=45)]
