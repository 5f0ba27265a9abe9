"""Reading a page of an account, against the driver alone."""

import time
from collections.abc import Awaitable, Callable
from statistics import median
from uuid import UUID

from afflux.runtime import Runtime
from afflux.store import transactions as store
from benchmarks.cast import Tenant, make_tenant
from benchmarks.results import Result
from benchmarks.rows import history, stage
from benchmarks.scale import Scale

_PAGE = 50
_ACCOUNT_ROWS = 1000
#: The columns that the store reads, and its order.
_BARE = """
    SELECT id, number, account_id, status, type, day, booking_date, value_date, transaction_date, amount, currency,
           text, counterparty, counterparty_account, refs, check_number, original_amount, original_currency,
           settlement_month, created_at, updated_at
    FROM transactions WHERE application_id = $1 AND user_id = $2 AND account_id = $3
    ORDER BY day DESC, number LIMIT $4
"""


async def reads(runtime: Runtime, scale: Scale) -> list[Result]:
    """Reads of 50 transactions through the store, as a share of a bare loop that only fetches the same rows."""
    tenant = await make_tenant(runtime)
    target = await stage(runtime, tenant)
    await target.take(history(_ACCOUNT_ROWS))
    (account_id,) = (await target.intake()).known.ids.values()
    assert account_id is not None
    rounds = [
        (await _seconds(scale.reads, _bare(runtime, tenant, account_id)),
         await _seconds(scale.reads, _through_the_store(runtime, tenant, account_id)))
        for _ in range(scale.rounds)
    ]  # fmt: skip
    bare, ours = (median(each) for each in zip(*rounds, strict=True))
    return [
        Result(
            what="read of 50 transactions, against the bare driver",
            measured=100 * median(driver / store for driver, store in rounds),
            unit="%",
            target=60,
            at_least=True,
            detail=f"{scale.reads / ours:,.0f}/s; bare {scale.reads / bare:,.0f}/s",
        )
    ]


def _bare(runtime: Runtime, tenant: Tenant, account_id: UUID) -> Callable[[], Awaitable[int]]:
    async def read() -> int:
        arguments = (tenant.principal.application_id, tenant.user.id, account_id, _PAGE)
        return len(await runtime.database.pool.fetch(_BARE, *arguments))

    return read


def _through_the_store(runtime: Runtime, tenant: Tenant, account_id: UUID) -> Callable[[], Awaitable[int]]:
    async def read() -> int:
        async with runtime.database.transaction() as tx:
            application_id, user_id = tenant.principal.application_id, tenant.user.id
            return len(await store.of_account(tx, application_id, user_id, account_id, limit=_PAGE))

    return read


async def _seconds(times: int, read: Callable[[], Awaitable[int]]) -> float:
    began = time.perf_counter()
    for _ in range(times):
        assert await read() == _PAGE
    return time.perf_counter() - began
