"""The first sync of a large account, from records that are already made, against COPY."""

import time
from collections.abc import Sequence
from statistics import median

from afflux.domain.records import TransactionRecord
from afflux.runtime import Runtime
from benchmarks.cast import Tenant, make_tenant
from benchmarks.copying import copy_seconds, empty
from benchmarks.results import Result
from benchmarks.rows import history, stage
from benchmarks.scale import Scale


async def first_sync(runtime: Runtime, scale: Scale) -> list[Result]:
    """Our whole path from record to commit (identity, comparison, rows, events) as a share of the speed of COPY."""
    tenant = await make_tenant(runtime)
    records = history(scale.rows)
    pairs = [
        (await _copied(runtime, tenant, records), await _stored(runtime, tenant, records)) for _ in range(scale.rounds)
    ]
    copied, stored = (median(each) for each in zip(*pairs, strict=True))
    return [
        Result(
            what=f"first sync of {scale.rows:,} rows, against COPY",
            measured=100 * median(copy / ours for copy, ours in pairs),
            unit="%",
            target=50,
            at_least=True,
            detail=f"{scale.rows / stored:,.0f} rows/s; COPY {scale.rows / copied:,.0f} rows/s",
        )
    ]


async def _copied(runtime: Runtime, tenant: Tenant, records: Sequence[TransactionRecord]) -> float:
    await empty(runtime)
    target = await stage(runtime, tenant)
    (account_id,) = (await target.intake()).known.ids.values()
    assert account_id is not None
    return await copy_seconds(runtime, target.sync, account_id, records)


async def _stored(runtime: Runtime, tenant: Tenant, records: Sequence[TransactionRecord]) -> float:
    await empty(runtime)
    target = await stage(runtime, tenant)
    began = time.perf_counter()
    result = await target.take(records)
    seconds = time.perf_counter() - began
    assert result.transactions.added == len(records), result
    return seconds
