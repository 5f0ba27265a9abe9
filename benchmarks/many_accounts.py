"""One connection with many accounts at a bank that takes its time."""

import time

from benchmarks.cast import link, make_tenant, request, until
from benchmarks.ground import Server
from benchmarks.results import Result
from benchmarks.scale import Scale


async def many_accounts(server: Server, scale: Scale) -> list[Result]:
    """Seconds from the request to the end of a first sync, each account with twenty movements."""
    tenant = await make_tenant(server.runtime)
    connection = await link(server.runtime, tenant, f"accounts-{scale.accounts}")
    began = time.perf_counter()
    sync = await request(server.runtime, tenant, connection)
    await until(server.runtime, sync, "finished")
    seconds = time.perf_counter() - began
    what = f"sync of {scale.accounts} accounts, a bank answering in 100 ms"
    return [Result(what=what, measured=seconds, unit="s", target=3)]
