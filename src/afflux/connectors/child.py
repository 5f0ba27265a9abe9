"""The process a connector runs in: `python -m afflux.connectors.child`, started by `process.py` and nobody else.

Standard input brings two lines, a `Cage` and a `Job`, and then stays open for as long as the parent lives. Standard
output takes the messages; nothing the connector prints ends up there.
"""

import asyncio
import ctypes
import os
import resource
import signal
import sys
import threading
from typing import BinaryIO

from afflux.connectors import border, drive, wire
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Failure, Message
from afflux.domain.records import TransactionRecord

_BATCH = 64 * 1024
_OPEN_FILES = 64
_FILE_SIZE = 64 * 1024 * 1024
#: Counted within the user namespace of the child, so only where it has one; root is never counted.
_PROCESSES = 64
_PR_SET_PDEATHSIG = 1
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
#: Made before memory runs out.
_OUT_OF_MEMORY = wire.encode(drive.Crash("MemoryError"))


def main() -> None:
    """Run one job and end the process."""
    inbox, outbox = _private_pipes()
    _end_with_parent()
    cage = wire.decode(inbox.readline())
    if not isinstance(cage, wire.Cage):
        raise SystemExit("the first line has to be a cage")
    _confine(cage)
    job = wire.decode(inbox.readline())
    if not isinstance(job, drive.Job):
        raise SystemExit("the second line has to be a job")
    threading.Thread(target=_watch, args=(inbox,), daemon=True).start()
    asyncio.run(_run(job, outbox))
    # Threads and exit handlers of the connector have no say in when this ends.
    os._exit(0)


def _private_pipes() -> tuple[BinaryIO, "_Outbox"]:
    """Our two pipes, on numbers that no library writes to or reads from by habit."""
    inbox, outbox = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(2, 1)
    os.close(nothing)
    return os.fdopen(inbox, "rb"), _Outbox(outbox)


def _end_with_parent() -> None:
    """Let the kernel kill us when the parent dies, even while a C library is busy. Only Linux can."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _watch(inbox: BinaryIO) -> None:
    """End the whole process group when the parent is gone: for other systems, and for a parent that died before us."""
    inbox.read(1)
    os.killpg(0, signal.SIGKILL)


def _confine(cage: wire.Cage) -> None:
    """Set the limits for good, then import from where the parent does.

    macOS does not limit the address space; there, time is the only limit.
    """
    os.umask(0o077)
    _limit(resource.RLIMIT_CORE, 0, 0)
    _limit(resource.RLIMIT_CPU, cage.seconds, cage.seconds + 5)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES)
    _limit(resource.RLIMIT_FSIZE, _FILE_SIZE, _FILE_SIZE)
    if not cage.network and _leave_network():
        _limit(resource.RLIMIT_NPROC, _PROCESSES, _PROCESSES)
    memory = cage.memory_mib * 1024 * 1024
    _limit(resource.RLIMIT_AS, memory, memory)
    sys.path[:] = cage.path


def _limit(kind: int, soft: int, hard: int) -> None:
    """Lower a limit; never above what we were given ourselves."""
    _, ours = resource.getrlimit(kind)
    if ours != resource.RLIM_INFINITY:
        soft, hard = min(soft, ours), min(hard, ours)
    try:
        resource.setrlimit(kind, (soft, hard))
    except (ValueError, OSError):
        if sys.platform == "linux":
            raise


def _leave_network() -> bool:
    """Move to a network without interfaces; where the kernel forbids it, a parser keeps the network it does not use."""
    return sys.platform == "linux" and not ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)


class _Outbox:
    """Lines to the parent. Writing waits while the parent is slower than we are."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines = bytearray()

    def put(self, message: Message | drive.Crash) -> None:
        """Send a message. Transactions travel in batches: nobody stores them before their checkpoint."""
        try:
            self._lines += wire.encode(message)
        except wire.BadText:
            self._lines += wire.encode(border.clean(message, type(message).__name__))
        if len(self._lines) >= _BATCH or type(message) is not TransactionRecord:
            self.send(bytes(self._lines))
            self._lines.clear()

    def send(self, lines: bytes) -> None:
        """Write whole lines."""
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._fd, rest) :]


async def _run(job: drive.Job, outbox: _Outbox) -> None:
    try:
        async for message in drive.stream(job):
            outbox.put(message)
    except MemoryError:
        outbox.send(_OUT_OF_MEMORY)
        os._exit(1)
    except (wire.WireError, border.Broken) as error:
        outbox.put(Failure(SyncErrorCode.CONNECTOR_BROKEN, str(error)))
    except BaseException as error:
        # SystemExit and a stray cancellation are the connector's doing as well.
        outbox.put(drive.crash(error))


if __name__ == "__main__":
    main()
