"""Triggers of digi.me: how many are verified and accepted, and what they cost somebody who reads meanwhile."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from statistics import median
from uuid import uuid4

import psutil

from afflux.access import root_key
from afflux.app import run_api
from afflux.datafolder import open_data_folder
from afflux.domain.syncs import SyncKind
from afflux.runtime import Runtime
from afflux.services import syncs, users
from benchmarks.cast import Tenant, connect
from benchmarks.consumer import Consumer, access_token, make_consumer
from benchmarks.ground import served
from benchmarks.load import delays, seconds_of_all
from benchmarks.reader import make_reader
from benchmarks.results import Result
from benchmarks.rows import stored
from benchmarks.scale import Scale

#: Triggers that are due in a second, and reads beside them.
_RATE, _READ_RATE = 500, 50
#: Connections of a library.
_CONNECTIONS = 2
#: Transactions of a page.
_PAGE = 50


async def triggers(runtime: Runtime, scale: Scale) -> list[Result]:
    """Signed requests for libraries whose syncs run already, and for ones where nothing runs, over HTTP."""
    reader = await make_reader(runtime)
    page = reader.request(await stored(runtime, reader.tenant, 1000), 0, _PAGE)
    consumer = await make_consumer(runtime, reader.tenant)
    busy = [await _library(runtime, reader.tenant, consumer, running=True) for _ in range(scale.libraries)]
    idle = [await _library(runtime, reader.tenant, consumer, running=False) for _ in range(scale.libraries)]
    root = root_key(runtime.settings, open_data_folder(runtime.settings.data))
    async with served(run_api, runtime.settings, runtime.dsn, root, "127.0.0.1") as (port, process):
        await seconds_of_all(port, [page] * 8 + _signed(consumer, busy, 8))
        return [
            await _accepted(port, process, _signed(consumer, busy, scale.triggers), "join a sync", _RATE),
            await _accepted(port, process, _signed(consumer, idle, scale.libraries), "start a sync", None),
            await _beside(port, page, _signed(consumer, busy, scale.triggers)),
        ]


async def _library(runtime: Runtime, owner: Tenant, consumer: Consumer, *, running: bool) -> str:
    """A new user with connections whose syncs wait for a worker, or without any; the access token."""
    user = await users.register(runtime.database, runtime.vault, owner.principal, email=f"{uuid4().hex}@example.org")
    async with runtime.database.transaction() as tx:
        for _ in range(_CONNECTIONS):
            await connect(tx, runtime, Tenant(owner.principal, user), "fast")
        if running:
            await syncs.request_all(tx, owner.principal, user.id, SyncKind.ALL, interactive=True)
    return await access_token(runtime, consumer, user)


def _signed(consumer: Consumer, tokens: Sequence[str], count: int) -> list[bytes]:
    return [consumer.trigger(tokens[number % len(tokens)]) for number in range(count)]


async def _accepted(
    port: int, process: psutil.Process, requests: Sequence[bytes], what: str, target: float | None
) -> Result:
    before = _cpu_seconds(process)
    took = await seconds_of_all(port, requests)
    spent = {name: 1000 * (now - before[name]) / len(requests) for name, now in _cpu_seconds(process).items()}
    return Result(
        what=f"triggers that {what}",
        measured=len(requests) / took,
        unit="/s",
        target=target,
        at_least=True,
        detail="CPU of one: " + ", ".join(f"{name} {value:.2f} ms" for name, value in spent.items()),
    )


def _cpu_seconds(server: psutil.Process) -> dict[str, float]:
    """Processor time so far: of the server, of PostgreSQL with those of its processes that have ended, and of us."""
    postgres = [each for each in psutil.Process().children(recursive=True) if "postgres" in each.name()]
    return {"server": _spent([server]), "PostgreSQL": _spent(postgres), "clients": time.process_time()}


def _spent(processes: Sequence[psutil.Process]) -> float:
    with suppress(psutil.NoSuchProcess):
        return float(sum(sum(each.cpu_times()[:4]) for each in processes))
    return _spent([each for each in processes if each.is_running()])


async def _beside(port: int, page: bytes, requests: Sequence[bytes]) -> Result:
    """Reads, alone and beside triggers."""
    pages = [page] * (len(requests) * _READ_RATE // _RATE)
    alone = await delays(port, pages, _READ_RATE)
    late, beside = await asyncio.gather(delays(port, requests, _RATE), delays(port, pages, _READ_RATE))
    told = ", ".join(
        f"{name} {1000 * median(found):.1f} / {1000 * _p95(found):.1f} ms"
        for name, found in (("alone", alone), ("beside", beside), ("triggers", late))
    )
    return Result(
        what=f"read of {_PAGE} transactions beside {_RATE} triggers/s, p95",
        measured=1000 * _p95(beside),
        unit="ms",
        target=50,
        detail=f"p50 / p95 {told}",
    )


def _p95(ordered: Sequence[float]) -> float:
    return ordered[len(ordered) * 95 // 100]
