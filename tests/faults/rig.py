"""A connector that does what no bank would, and a worker that knows it.

It writes each thing it does into the file that the login names, with the process that did it and when.
`python -m tests.faults.rig DSN HEARTBEAT` is a worker.
"""

import asyncio
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from afflux.config import Settings
from afflux.connectors.base import Context, Request
from afflux.connectors.registry import Registry
from afflux.domain.catalogue import Auth, Channel, Isolation, Kind, Limits, Manifest, Provider
from afflux.domain.challenges import Answer, FormField
from afflux.domain.messages import AccountsListed, Checkpoint, Done, Message
from afflux.domain.records import AccountRecord, TransactionRecord
from afflux.runtime import open_runtime
from afflux.serve import stopped_by_signal
from afflux.worker import Worker
from tests.conftest import ROOT_KEY

#: Kills its worker; takes turns of three; gives rows day by day; the same without an end.
LETHAL, NARROW, STEADY, ENDLESS = 90_001, 90_002, 90_003, 90_004
#: Syncs of `NARROW` at a time, over all workers.
TURNS = 3
#: Days that `STEADY` gives, and what a day takes.
DAYS, PAUSE = 12, 0.15


def _provider(id: int, concurrency: int = 0) -> Provider:
    channel = Channel(
        id=id * 100,
        auth=Auth.CREDENTIALS,
        kinds=frozenset({Kind.ACCOUNTS, Kind.TRANSACTIONS}),
        fields=(FormField(name="login", label="Journal"), FormField(name="password", label="Nothing")),
        limits=Limits(concurrency=concurrency),
    )
    return Provider(id=id, name=f"Rig {id}", country="FR", channels=(channel,))


MANIFEST = Manifest(
    id="rig",
    version="1",
    connector="tests.faults.rig:connector",
    isolation=Isolation.INLINE,
    providers=(_provider(LETHAL), _provider(NARROW, TURNS), _provider(STEADY), _provider(ENDLESS)),
)


@dataclass(frozen=True)
class Note:
    """One line of a journal."""

    what: str
    pid: int
    connection: str
    at: float


def write(request: Request, what: str) -> None:
    """Add a line to the journal; short enough to be written whole, whoever else writes."""
    line = f"{what} {os.getpid()} {request.connection_ref} {time.monotonic()}\n"
    fd = os.open(request.secrets["login"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, line.encode())
    os.close(fd)


def read(journal: Path) -> list[Note]:
    """All lines so far."""
    lines = journal.read_text().splitlines() if journal.exists() else []
    return [Note(what, int(pid), who, float(at)) for what, pid, who, at in (line.split() for line in lines)]


class RigConnector:
    """All four providers."""

    async def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        """Run the provider's trick."""
        write(request, "enter")
        try:
            if request.provider_id == LETHAL:
                os.kill(os.getpid(), signal.SIGKILL)
            yield AccountRecord(key="one", name="One", number="1", currency="EUR")
            yield AccountsListed()
            if request.provider_id == NARROW:
                await asyncio.sleep(PAUSE)
            async for message in self._days(request):
                yield message
            yield Done()
        finally:
            write(request, "leave")

    async def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        """Never parks."""
        yield Done()

    async def _days(self, request: Request) -> AsyncIterator[Message]:
        count = {STEADY: DAYS, ENDLESS: 1_000_000}.get(request.provider_id, 0)
        for number in range(count):
            day = date(2020, 1, 1) + timedelta(days=number % 2000)
            yield TransactionRecord(
                account_key="one",
                key=f"row-{number}",
                amount=Decimal(number + 1),
                currency="EUR",
                booking_date=day,
                text=f"Row {number}",
            )
            yield Checkpoint(account_key="one", cursor=str(number), complete_from=day, complete_to=day)
            # The core stores the day in the first pause and does nothing in the second.
            await asyncio.sleep(PAUSE)
            write(request, "day")
            await asyncio.sleep(PAUSE)


connector = RigConnector()


def worker(dsn: str, heartbeat: int, log: Path) -> "subprocess.Popen[bytes]":
    """A worker of the rig in a process of its own; the caller ends it."""
    command = [sys.executable, "-m", "tests.faults.rig", dsn, str(heartbeat)]
    with open(log, "ab") as errors:
        return subprocess.Popen(command, stderr=errors)


async def _work(dsn: str, heartbeat: int) -> None:
    settings = Settings(heartbeat_seconds=heartbeat)
    registry = Registry([*Registry.discover().manifests, MANIFEST])
    stop = stopped_by_signal()
    async with open_runtime(settings, dsn, ROOT_KEY, registry) as runtime:
        await Worker(runtime).run(stop)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format=f"{os.getpid()} %(message)s")
    logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)
    asyncio.run(_work(sys.argv[1], int(sys.argv[2])))
