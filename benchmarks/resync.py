"""The same history once more: nothing has changed, so nothing is written."""

import time

from afflux.runtime import Runtime
from benchmarks.cast import make_tenant
from benchmarks.copying import empty
from benchmarks.results import Result
from benchmarks.rows import history, stage
from benchmarks.scale import Scale

#: What a sync may write data to.
_TABLES = ("accounts", "balances", "transactions", "documents", "blobs")


async def resync(runtime: Runtime, scale: Scale) -> list[Result]:
    """Rows that are read again, compared and left alone in a second; and the rows written meanwhile, which are none."""
    await empty(runtime)
    target = await stage(runtime, await make_tenant(runtime))
    records = history(scale.rows)
    await target.take(records)
    before = await _marks(runtime)
    seconds, busy = [], []
    for _ in range(scale.rounds):
        began, own = time.perf_counter(), time.process_time()
        result = await target.take(records)
        seconds.append(time.perf_counter() - began)
        busy.append(time.process_time() - own)
        assert result.transactions.unchanged == len(records), result
    written = sum(mark not in before for mark in await _marks(runtime))
    return [
        Result(
            what=f"re-sync of {scale.rows:,} unchanged rows",
            measured=scale.rows / min(seconds),
            unit="rows/s",
            target=150_000,
            at_least=True,
            detail=f"best of {scale.rounds}; {scale.rows / min(busy):,.0f} rows per second of our own processor time",
        ),
        Result(what="tables written by it", measured=written, unit="tables", target=0),
    ]


async def _marks(runtime: Runtime) -> list[tuple[str, int, int]]:
    """Each table with its number of rows and the youngest transaction that wrote one of them."""
    marks = []
    for table in _TABLES:
        row = await runtime.database.pool.fetchrow(
            f"SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM {table}"
        )
        marks.append((table, row[0], row[1]))
    return marks
