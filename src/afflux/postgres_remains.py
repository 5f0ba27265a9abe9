"""What a crash leaves behind in a cluster's folder: servers that still run, and files that name dead ones.

PostgreSQL refuses to start while the process number in `postmaster.pid` answers `kill(pid, 0)`. A zombie answers, and
so does a stranger that got the number later. Whoever holds the data folder's lock knows better, and tidies up here.
"""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import psutil

from afflux.postgres_account import PostgresError

_PID_FILES = ("postmaster.pid", ".s.PGSQL.5432.lock")
_SHUTDOWN_LIMIT, _KILL_LIMIT, _PAUSE = 10.0, 5.0, 0.02


async def clear_remains(cluster: Path) -> None:
    """Stop what still serves the cluster, wait until it is gone, and remove the files that name it.

    Call it under the data folder's lock only. Raises PostgresError when a process outlives even SIGKILL.
    """
    if not _ended_badly(cluster):
        return
    if postmasters := [process for process in _servers(cluster) if _is_postmaster(process)]:
        _signal(postmasters, signal.SIGINT)  # A fast shutdown: clients are cut off, everything is written.
        await _all_gone(cluster, _SHUTDOWN_LIMIT)
    _signal(_servers(cluster), signal.SIGKILL)
    if not await _all_gone(cluster, _KILL_LIMIT):
        raise PostgresError(f"a PostgreSQL left over in {cluster} does not end")
    for name in _PID_FILES:
        (cluster / name).unlink(missing_ok=True)


def _ended_badly(cluster: Path) -> bool:
    return any(os.path.lexists(cluster / name) for name in _PID_FILES)


async def _all_gone(cluster: Path, seconds: float) -> bool:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while _servers(cluster):
        if loop.time() > deadline:
            return False
        await asyncio.sleep(_PAUSE)
    return True


def _servers(cluster: Path) -> list[psutil.Process]:
    """The live PostgreSQL processes that work in this folder; every one of them has made it its current folder."""
    return [process for process in psutil.process_iter() if _works_in(process, cluster)]


def _works_in(process: psutil.Process, cluster: Path) -> bool:
    # Name and folder both, or a process number used anew would get a stranger killed. A zombie has no folder.
    with contextlib.suppress(psutil.Error, OSError):
        if process.name() == "postgres" and process.status() != psutil.STATUS_ZOMBIE:
            return os.path.samefile(process.cwd(), cluster)
    return False


def _is_postmaster(process: psutil.Process) -> bool:
    """Whether it is the server itself. To the others, which call themselves by their work, SIGINT means less."""
    with contextlib.suppress(psutil.Error):
        return not "".join(process.cmdline()[:1]).startswith("postgres: ")
    return False


def _signal(processes: list[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(number)
