"""A server that has nothing to do."""

import asyncio
import sys
import time

import psutil

from benchmarks.ground import Server
from benchmarks.results import Result
from benchmarks.scale import Scale

_MIB = 2**20


async def idle(server: Server, scale: Scale) -> list[Result]:
    """Memory and processor time of all its processes, PostgreSQL among them; shared pages count in parts (PSS)."""
    await asyncio.sleep(scale.settle_seconds)
    processes = server.processes()
    began, before = time.perf_counter(), _cpu_seconds(processes)
    await asyncio.sleep(scale.idle_seconds)
    percent = 100 * (_cpu_seconds(processes) - before) / (time.perf_counter() - began)
    memory = sum(map(_own_memory, processes)) / _MIB
    parts = f"{len(processes)} processes, worker {_own_memory(server.worker()) / _MIB:.0f} MB"
    return [
        Result(what="idle server: memory", measured=memory, unit="MB", target=200, detail=parts),
        Result(what="idle server: processor", measured=percent, unit="% of a core", target=2),
    ]


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    return float(sum(times.user + times.system for times in (each.cpu_times() for each in processes)))


def _own_memory(process: psutil.Process) -> int:
    """Bytes; macOS does not know PSS, there it is what only this process has."""
    memory = process.memory_full_info()
    return int(memory.pss if sys.platform == "linux" else memory.uss)
