"""From asking for a sync to its running."""

import time
from statistics import median

from benchmarks.cast import link, make_tenant, request, until
from benchmarks.ground import Server
from benchmarks.results import Result
from benchmarks.scale import Scale


async def pickup(server: Server, scale: Scale) -> list[Result]:
    """Milliseconds from the request until everybody can see the sync run, on a server with nothing else to do."""
    tenant = await make_tenant(server.runtime)
    connection = await link(server.runtime, tenant, "pickup")
    seconds = []
    for _ in range(scale.pickups):
        began = time.perf_counter()
        sync = await request(server.runtime, tenant, connection)
        await until(server.runtime, sync, "running", "finished", pause=0.001)
        seconds.append(time.perf_counter() - began)
        await until(server.runtime, sync, "finished")
    slowest = f"slowest of {scale.pickups}: {1000 * max(seconds):.0f} ms"
    return [
        Result(
            what="sync requested → running, p50", measured=1000 * median(seconds), unit="ms", target=50, detail=slowest
        )
    ]
