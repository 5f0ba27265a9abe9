"""Runs the benchmarks and prints what they found: `python -m benchmarks [--json] [--quick] [NAME…]`."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import asdict
from typing import TypeVar

from rich.console import Console
from rich.table import Table

from afflux.runtime import Runtime
from benchmarks.first_sync import first_sync
from benchmarks.ground import Server, own_database, server
from benchmarks.idle import idle
from benchmarks.killed_worker import killed_worker
from benchmarks.many_accounts import many_accounts
from benchmarks.pickup import pickup
from benchmarks.reads import reads
from benchmarks.results import Result
from benchmarks.resync import resync
from benchmarks.scale import FULL, QUICK, Scale
from benchmarks.slow_connections import slow_connections
from benchmarks.triggers import triggers
from benchmarks.whole_sync import whole_sync

Ground = TypeVar("Ground")
Benchmark = Callable[[Ground, Scale], Awaitable[list[Result]]]

#: Seconds that the bank of the many accounts takes for a call.
_LATENCY = 0.1
#: Columns that the table needs where no terminal says how many there are.
_WIDTH = 150
_VERDICTS = {True: "[green]met[/]", False: "[red]missed[/]", None: ""}

ON_A_DATABASE: Mapping[str, Benchmark[Runtime]] = {
    "first_sync": first_sync,
    "resync": resync,
    "reads": reads,
    "triggers": triggers,
}
ON_A_FAST_BANK: Mapping[str, Benchmark[Server]] = {"whole_sync": whole_sync}
#: The idle one first: what comes after it leaves traces in memory.
ON_A_SERVER: Mapping[str, Benchmark[Server]] = {
    "idle": idle,
    "pickup": pickup,
    "many_accounts": many_accounts,
    "slow_connections": slow_connections,
    "killed_worker": killed_worker,
}
NAMES = [*ON_A_DATABASE, *ON_A_FAST_BANK, *ON_A_SERVER]


async def measure(scale: Scale, wanted: Collection[str]) -> AsyncIterator[Result]:
    """Run the benchmarks with these names, one after the other."""
    async for result in _run(own_database(), ON_A_DATABASE, scale, wanted):
        yield result
    async for result in _run(server(0, scale.heartbeat_seconds), ON_A_FAST_BANK, scale, wanted):
        yield result
    async for result in _run(server(_LATENCY, scale.heartbeat_seconds), ON_A_SERVER, scale, wanted):
        yield result


async def _run(
    ground: AbstractAsyncContextManager[Ground],
    benchmarks: Mapping[str, Benchmark[Ground]],
    scale: Scale,
    wanted: Collection[str],
) -> AsyncIterator[Result]:
    chosen = [benchmark for name, benchmark in benchmarks.items() if name in wanted]
    if chosen:
        async with ground as stage:
            for benchmark in chosen:
                for result in await benchmark(stage, scale):
                    yield result


def table(results: Sequence[Result]) -> Table:
    """The results for people."""
    shown = Table("what", "measured", "target", "ratio", "verdict", "behind it")
    for each in results:
        sign = "≥" if each.at_least else "≤"
        shown.add_row(
            each.what,
            f"{each.measured:,.4g} {each.unit}" if each.measured < 1000 else f"{each.measured:,.0f} {each.unit}",
            "" if each.target is None else f"{sign} {each.target:,g}",
            "" if each.ratio is None else f"{each.ratio:.2f}",
            _VERDICTS[each.met],
            each.detail,
        )
    return shown


async def _collect(scale: Scale, wanted: Collection[str], console: Console) -> list[Result]:
    results = []
    with console.status("measuring"):
        async for result in measure(scale, wanted):
            console.print(f"[dim]{result.what}: {result.measured:,.4g} {result.unit}[/]")
            results.append(result)
    return results


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these: {', '.join(NAMES)}")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that everything works")
    parser.add_argument("--json", action="store_true", help="one JSON value instead of a table")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    results = asyncio.run(_collect(QUICK if chosen.quick else FULL, chosen.names or NAMES, Console(stderr=True)))
    if chosen.json:
        print(json.dumps([asdict(each) | {"met": each.met, "ratio": each.ratio} for each in results], indent=2))
    else:
        out = Console()
        Console(width=max(out.width, _WIDTH)).print(table(results))


if __name__ == "__main__":
    main()
