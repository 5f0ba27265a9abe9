"""Kill random parts of a server for some minutes, then check the history: `python -m tests.faults.loop --minutes 5`.

Rounds of syncs, each with a kill every few seconds. A failure prints the seed that repeats the choices.
"""

import argparse
import asyncio
import logging
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import psutil

from afflux.domain.syncs import Sync
from afflux.runtime import Runtime
from tests.faults.history import check_history
from tests.faults.people import LOGINS, Link, answering, ended, linked_all, requested
from tests.faults.server import Server, beside, serving
from tests.faults.test_kills import session

#: Seconds between two kills; more than a heartbeat, or too many syncs die three deaths.
CALM = (4.0, 9.0)
#: Kills in a round: as many as a sync may survive.
KILLS = 2


async def hurt(server: Server, what: str) -> None:
    """Do one harm, and wait until the server is whole again."""
    if what in ("api", "worker", "postgres"):
        victim = server.part(what)
        await server.kill(victim)
        await server.reborn(what, victim, 30)
    elif what == "session":
        await server.kill(session(server.part("postgres")))
    elif what == "worker and postgres":
        victims = [server.part("worker"), server.part("postgres")]
        for victim in victims:
            victim.kill()
        for name, victim in zip(("worker", "postgres"), victims, strict=True):
            await server.reborn(name, victim, 30)
    else:
        await (server.kill() if what == "serve" else server.stop())
        server.start()
        await server.ready()


HARMS = ("worker", "worker", "worker", "api", "postgres", "session", "worker and postgres", "serve", "stop")


async def a_round(
    server: Server, desk: Runtime, number: int, chance: random.Random
) -> tuple[list[Link], list[Sync], list[str]]:
    """Synchronise everything once while things are killed."""
    logins = chance.sample(LOGINS, 15)
    links = await linked_all(desk, f"round-{number}", logins)
    done = []
    async with answering(desk, links):
        asked = list(await asyncio.gather(*(requested(desk, link) for link in links)))
        for _ in range(KILLS):
            await asyncio.sleep(chance.uniform(0.2, 3.0))
            done.append(chance.choice(HARMS))
            try:
                await hurt(server, done[-1])
            except (LookupError, StopIteration, psutil.NoSuchProcess):
                done[-1] += " (was away)"
            await asyncio.sleep(chance.uniform(*CALM))
        await ended(desk, asked, 120)
    return links, asked, done


async def loop(minutes: float, seed: int, data: Path) -> None:
    chance = random.Random(seed)
    harms: Counter[str] = Counter()
    losses: Counter[int] = Counter()
    until = time.monotonic() + 60 * minutes
    number = 0
    async with serving(data, heartbeat=3, latency=0.1) as server, beside(server) as desk:
        while time.monotonic() < until:
            number += 1
            links, asked, done = await a_round(server, desk, number, chance)
            over = await check_history(desk, links, asked)
            harms.update(done)
            losses.update(sync.losses for sync in over)
            print(f"round {number}: {len(over)} syncs, {', '.join(done)}: history is right", flush=True)
        print(f"harms {dict(harms)}; syncs by losses {dict(losses)}; stopped in {await server.stop():.1f} s")
        assert server.leftovers() == []


def main() -> None:
    """Run the loop as a program."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    chosen = parser.parse_args()
    logging.getLogger("asyncpg").setLevel(logging.ERROR)
    print(f"seed {chosen.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="afflux-loop-") as folder:
        data = Path(folder) / "data"
        try:
            asyncio.run(loop(chosen.minutes, chosen.seed, data))
        except BaseException:
            print(data.with_suffix(".log").read_text()[-20_000:], file=sys.stderr)
            raise


if __name__ == "__main__":
    main()
