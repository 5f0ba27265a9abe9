"""One connector that breaks every rule: `Request.connection_ref` says which, as `name` or `name:number`."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from inspect import isasyncgenfunction
from typing import Any

from afflux.connectors.base import Context, Request
from afflux.domain.challenges import Answer, Challenge, ChallengeKind
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Checkpoint, Done, Failure, Message, Park, Progress, StateUpdate, Warning
from afflux.domain.records import AccountRecord, DocumentRecord, TransactionRecord

LATER = datetime(2100, 1, 1, tzinfo=UTC)


def record(number: int = 0, **changes: Any) -> TransactionRecord:
    """A good transaction, changed as asked."""
    good = TransactionRecord(
        account_key="acc",
        key=f"t{number}",
        amount=Decimal("-12.30"),
        currency="EUR",
        booking_date=date(2026, 3, 1),
        text=f"CARD {number} Café",
        references={"end_to_end": f"E2E-{number}"},
    )
    return replace(good, **changes)


def park(**changes: Any) -> Park:
    """A good challenge, changed as asked."""
    good = Challenge(kind=ChallengeKind.INPUT, name="sms", text="Code?", expires_at=LATER)
    return Park(replace(good, **changes), b"parked")


class Messages:
    """Yields what it was given."""

    def __init__(self, *messages: Any) -> None:
        self.messages = messages

    async def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        for message in self.messages:
            yield message

    async def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        for message in self.messages:
            yield message


async def honest(request: Request, number: int) -> AsyncIterator[Message]:
    yield Progress("history", 10)
    for n in range(number):
        yield record(n)
    yield Checkpoint(account_key="acc")
    yield Done()


async def endless(request: Request, number: int) -> AsyncIterator[Message]:
    n = 0
    while True:
        yield record(n)
        n += 1


async def crash(request: Request, number: int) -> AsyncIterator[Message]:
    yield record()
    raise RuntimeError(f"the password is {request.secrets['password']}")


async def crash_after_done(request: Request, number: int) -> AsyncIterator[Message]:
    try:
        yield Done()
    finally:
        raise RuntimeError("while tidying up")


async def crash_at_once(request: Request, number: int) -> AsyncIterator[Message]:
    raise KeyError(request.secrets["password"])
    yield Done()


async def leave(request: Request, number: int) -> AsyncIterator[Message]:
    yield record()
    sys.exit(3)


async def cancel_itself(request: Request, number: int) -> AsyncIterator[Message]:
    yield record()
    raise asyncio.CancelledError


async def hang(request: Request, number: int) -> AsyncIterator[Message]:
    yield record()
    await asyncio.sleep(3600)
    yield Done()


async def hang_after_greeting(request: Request, number: int) -> AsyncIterator[Message]:
    yield Progress("connect", 1)
    await asyncio.sleep(3600)
    yield Done()


async def hang_after_done(request: Request, number: int) -> AsyncIterator[Message]:
    yield Done()
    await asyncio.sleep(3600)


async def block(request: Request, number: int) -> AsyncIterator[Message]:
    yield Progress("connect", 1)
    time.sleep(3600)
    yield Done()


async def spin(request: Request, number: int) -> AsyncIterator[Message]:
    yield Progress("connect", 1)
    while True:
        number += 1


async def talk_back(request: Request, number: int) -> AsyncIterator[Message]:
    """Yield on when cancelled."""
    yield record()
    while True:
        try:
            await asyncio.sleep(0.05)
        except asyncio.CancelledError:
            yield record(1)


async def deaf(request: Request, number: int) -> AsyncIterator[Message]:
    """Overhear the first cancellation."""
    yield record()
    for _ in range(2):
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(3600)


async def eat_memory(request: Request, number: int) -> AsyncIterator[Message]:
    yield record()
    hoard = []
    while True:
        hoard.append(bytearray(16 * 1024 * 1024))


async def eat_memory_in_crumbs(request: Request, number: int) -> AsyncIterator[Message]:
    yield record()
    hoard: list[object] = []
    while True:
        hoard.append([None] * 10)


async def die(request: Request, number: int) -> AsyncIterator[Message]:
    yield Checkpoint(account_key="acc")
    os.kill(os.getpid(), number)
    yield Done()


async def print_a_lot(request: Request, number: int) -> AsyncIterator[Message]:
    print('{"type": "Done", "data": {}}', flush=True)
    for _ in range(200):
        sys.stderr.write(request.secrets["password"] * 1000)
    yield Progress("connect", 1)
    os.write(1, b"garbage\n" * 100_000)
    yield Done()


async def read_input(request: Request, number: int) -> AsyncIterator[Message]:
    yield Warning("input", repr(sys.stdin.read()))
    yield Done()


async def write_garbage(request: Request, number: int) -> AsyncIterator[Message]:
    """Find our pipe to the server, and write something else to it."""
    yield Progress("connect", 1)
    for name in os.listdir("/proc/self/fd"):
        if int(name) > 2 and os.readlink(f"/proc/self/fd/{name}").startswith(("pipe:", "socket:")):
            try_to_write(int(name), b"x" * number if number else b"garbage\n")
    yield Done()


def try_to_write(fd: int, data: bytes) -> None:
    try:
        while data:
            data = data[os.write(fd, data) :]
    except OSError:
        return


async def leave_children(request: Request, number: int) -> AsyncIterator[Message]:
    """Start a process that outlives us and holds all our pipes, then say its number."""
    pid = os.fork()
    if pid == 0:
        time.sleep(600)
        os._exit(0)
    yield Warning("pid", str(pid))
    if number:
        await asyncio.sleep(number)
    yield Done()


async def own_pid(request: Request, number: int) -> AsyncIterator[Message]:
    yield Warning("pid", str(os.getpid()))
    while True:
        yield record()
        await asyncio.sleep(0.01)


async def surroundings(request: Request, number: int) -> AsyncIterator[Message]:
    """What a child sees of the machine."""
    yield Warning("environment", " ".join(sorted(os.environ)))
    yield Warning("arguments", " ".join(sys.argv))
    yield Warning("folder", os.getcwd())
    yield Done()


async def open_files(request: Request, number: int) -> AsyncIterator[Message]:
    handles = [os.open(os.devnull, os.O_RDONLY) for _ in range(200)]
    yield Warning("open", str(len(handles)))
    yield Done()


async def write_a_large_file(request: Request, number: int) -> AsyncIterator[Message]:
    with open(request.secrets["file"], "wb") as file:
        for _ in range(200):
            file.write(b"x" * 1024 * 1024)
    yield Done()


async def call_out(request: Request, number: int) -> AsyncIterator[Message]:
    """Connect to a port of this machine."""
    _, writer = await asyncio.open_connection("127.0.0.1", number)
    writer.close()
    yield Done()


async def run_a_program(request: Request, number: int) -> AsyncIterator[Message]:
    found = subprocess.run([sys.executable, "-c", "print(6 * 7)"], capture_output=True, text=True, check=True)
    yield Warning("answer", found.stdout.strip())
    yield Done()


async def documents(request: Request, number: int) -> AsyncIterator[Message]:
    yield DocumentRecord(
        key="d", name="big", extension="bin", mime="application/octet-stream", created_at=LATER, content=bytes(number)
    )
    yield Done()


async def state(request: Request, number: int) -> AsyncIterator[Message]:
    yield StateUpdate(bytes(number))
    yield Done()


async def parked(request: Request, number: int) -> AsyncIterator[Message]:
    yield replace(park(), parked=bytes(number))


async def leak(request: Request, number: int) -> AsyncIterator[Message]:
    yield Warning("login", f"logged in with {request.secrets['password']}")
    yield Failure(SyncErrorCode.NETWORK, f"GET /login?p={request.secrets['password']}\nfailed", retry_after=30)


async def file_size(request: Request, number: int) -> AsyncIterator[Message]:
    assert request.file is not None
    yield Warning("size", str(len(request.file.content)))
    yield Done()


#: What the host refuses, by name: the messages before the end.
BAD_MESSAGES: dict[str, tuple[Any, ...]] = {
    "no-end": (Progress("connect", 1),),
    "nothing": (),
    "not-a-message": ({"type": "Done"},),
    "none": (None,),
    "two-ends": (Done(), Done()),
    "after-the-end": (Done(), Progress("finish", 100)),
    "after-a-failure": (Failure(SyncErrorCode.NETWORK), Done()),
    "float": (record(amount=12.3), Done()),
    "integer-amount": (record(amount=12), Done()),
    "nan": (record(amount=Decimal("NaN")), Done()),
    "infinity": (record(amount=Decimal("-Infinity")), Done()),
    "huge": (record(amount=Decimal("1E+18")), Done()),
    "huge-zero": (record(amount=Decimal("0E+9999")), Done()),
    "too-fine": (record(amount=Decimal("1E-19")), Done()),
    "original-nan": (record(original_amount=Decimal("NaN")), Done()),
    "currency": (record(currency="eur"), Done()),
    "currency-long": (record(currency="EURO"), Done()),
    "original-currency": (record(original_currency="€"), Done()),
    "no-date": (record(booking_date=None), Done()),
    "moment-for-day": (record(booking_date=datetime(2026, 3, 1, tzinfo=UTC)), Done()),
    "text-for-day": (record(booking_date="yesterday"), Done()),
    "no-account": (record(account_key=""), Done()),
    "empty-key": (record(key=""), Done()),
    "long-key": (record(key="k" * 513), Done()),
    "long-text": (record(text="x" * (64 * 1024 + 1)), Done()),
    "long-raw": (record(raw="x" * (1024 * 1024 + 1)), Done()),
    "long-reference": (record(references={"customer": "x" * (64 * 1024 + 1)}), Done()),
    "none-reference": (record(references={"customer": None}), Done()),
    "naive-balance": (AccountRecord(key="a", name="A", currency="EUR", balance_at=datetime(2026, 1, 1)), Done()),
    "account-currency": (AccountRecord(key="a", name="A", currency=""), Done()),
    "account-without-key": (AccountRecord(key="", name="A", currency="EUR"), Done()),
    "half-a-period": (Checkpoint(account_key="acc", complete_from=date(2026, 1, 1)), Done()),
    "backward-period": (
        Checkpoint(account_key="acc", complete_from=date(2026, 2, 1), complete_to=date(2026, 1, 1)),
        Done(),
    ),
    "script-url": (park(kind=ChallengeKind.REDIRECT, url="javascript:alert(1)"),),
    "redirect-nowhere": (park(kind=ChallengeKind.REDIRECT),),
    "naive-expiry": (park(expires_at=datetime(2100, 1, 1)),),
    "large-image": (park(image=bytes(256 * 1024 + 1)),),
}

_BEHAVIOURS: dict[str, Callable[[Request, int], AsyncIterator[Message]]] = {
    name.replace("_", "-"): function for name, function in list(globals().items()) if isasyncgenfunction(function)
}


class Misbehaving:
    """Does what the connection's name says."""

    def start(self, context: Context, request: Request) -> AsyncIterator[Message]:
        name, _, number = request.connection_ref.partition(":")
        if name in BAD_MESSAGES:
            return Messages(*BAD_MESSAGES[name]).start(context, request)
        return _BEHAVIOURS[name](request, int(number or 0))

    async def resume(self, context: Context, request: Request, parked: bytes, answer: Answer) -> AsyncIterator[Message]:
        yield Warning("resumed", f"{parked!r} {dict(answer.values)}")
        yield Done()


connector = Misbehaving()
