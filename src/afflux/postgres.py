"""The embedded PostgreSQL: made once in the data folder, run as a child in the foreground, reached by a socket only.

The server sees no network. Its socket lies in the cluster's own folder, mode 0700, so the file system decides who gets
in: the account that runs it, and root. The application connects as `afflux`, who owns one database and is no superuser.

As root the server runs as an account without rights, which has no way through the data folder (0700, root's). So it
is given the open folder itself: `/proc/self/fd/N` leads there without a walk along the path, and PostgreSQL changes
into its folder at once and uses relative names from then on. No mode above the cluster is ever changed.
"""

import asyncio
import atexit
import contextlib
import functools
import os
import re
import shutil
import signal
import tempfile
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from urllib.parse import quote

import asyncpg

from afflux.datafolder import DataFolder, serving_pid
from afflux.postgres_account import PostgresError, account_for, binaries_for
from afflux.postgres_cluster import DATABASE, ROLE, Programs, ensure_cluster
from afflux.postgres_remains import clear_remains

_PORT = 5432
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_directories": ".",
    "unix_socket_permissions": "0700",
    "port": str(_PORT),
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_connections": "100",
    "jit": "off",
    # A parallel query keeps its work in /dev/shm, where a container has 64 MB and the query then fails.
    "max_parallel_workers_per_gather": "0",
    # Fewer processes: nothing replicates from here, and two cores gain nothing from readers of their own.
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # Errors of statements go to the client that made them, who knows what may be said. Here they could carry
    # people's data: in the statement, its parameters, the detail ("Key (email)=(...)") or the message itself.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}
_LOG_LIMIT = 4 * 2**20
_PAUSE = 0.02
_BLOCKED, _BLOCKED_LIMIT, _BLOCKED_PAUSE = "pre-existing shared memory block", 20.0, 0.2
_NOT_YET = (OSError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError)
# The least of the systems' limits for the path of a socket (macOS: 104 bytes with the zero at the end, Linux: 108).
_SOCKET_PATH_LIMIT = 103


class EmbeddedPostgres:
    """The PostgreSQL server of one data folder, as a child of this process.

    Whoever starts it holds the folder's lock all the while. On Linux it shuts down when the thread that called `start`
    ends, so start it from the main thread; elsewhere the next start stops what a killed process left running.
    """

    def __init__(self, data: DataFolder, *, start_limit: float = 300.0, stop_limit: float = 30.0) -> None:
        """`start_limit`: seconds for recovery after a crash; `stop_limit`: seconds to end before SIGKILL."""
        self._data = data
        self._start_limit = start_limit
        self._stop_limit = stop_limit
        self._process: Process | None = None

    @property
    def dsn(self) -> str:
        """Where asyncpg connects to as the ordinary role; valid in this process and, while it lives, its children."""
        return embedded_dsn(self._data)

    @property
    def pid(self) -> int | None:
        """The process number of the running server, None when there is none."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Start the server unless it runs, and return when it answers. The first time, make the cluster.

        Whatever a crash left behind is tidied up before. Raises PostgresError.
        """
        if self.pid is not None:
            return
        if serving_pid(self._data.path) != os.getpid():
            raise PostgresError(f"PostgreSQL in {self._data.path} is started under the data folder's lock only")
        try:
            programs = await self._prepare()
            async with asyncio.timeout(self._start_limit):
                await self._start_unblocked(programs)
        except TimeoutError:
            raise PostgresError(f"PostgreSQL is not ready after {self._start_limit:.0f} s, see {self._log}") from None
        except OSError as error:
            raise PostgresError(f"cannot start PostgreSQL in {self._data.path}: {error}") from error

    async def wait(self) -> int:
        """Return when the server ends, with its exit code (negative: the signal that killed it)."""
        return await self._process.wait() if self._process else 0

    async def stop(self) -> None:
        """Shut down fast: cut the clients off, write everything. SIGKILL after `stop_limit`. Does nothing twice."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGINT)
        try:
            await asyncio.wait_for(process.wait(), self._stop_limit)
        except TimeoutError:
            process.kill()
            await process.wait()

    async def _prepare(self) -> Programs:
        """See to the account, the programs and the cluster; what comes back is ready to start the server."""
        account = await asyncio.to_thread(account_for, self._data.postgres)
        programs = Programs(await asyncio.to_thread(binaries_for, account), account)
        await ensure_cluster(self._data, programs)
        await clear_remains(self._data.postgres)
        return programs

    async def _start_unblocked(self, programs: Programs) -> None:
        """Start, and again while processes of a killed server, too short-lived to be seen, still hold its memory."""
        deadline = asyncio.get_running_loop().time() + _BLOCKED_LIMIT
        while (failure := await self._try_start(programs)) is not None:
            if _BLOCKED not in failure or asyncio.get_running_loop().time() > deadline:
                raise PostgresError(f"PostgreSQL did not start: {failure}")
            await asyncio.sleep(_BLOCKED_PAUSE)

    async def _try_start(self, programs: Programs) -> str | None:
        """Start once; None when the server answers, the reason in one line when it ended instead."""
        log = _open_log(self._log)
        try:
            said = os.fstat(log).st_size
            self._process = await self._spawn(programs, log)
        finally:
            os.close(log)
        try:
            answers = await _answers(self._process, self.dsn)
        except BaseException:
            await self.stop()
            raise
        return None if answers else _last_words(self._log, said)

    async def _spawn(self, programs: Programs, log: int) -> Process:
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        # SIGINT when we die: even then it writes everything and needs no recovery.
        return await programs.spawn(
            ["postgres", *settings], self._data.postgres, signal.SIGINT, stdin=DEVNULL, output=log
        )

    @property
    def _log(self) -> Path:
        return self._data.postgres_log


def embedded_dsn(data: DataFolder) -> str:
    """The asyncpg DSN of the server of this data folder, for any process that may enter the folder.

    Opens nothing and does not tell whether a server runs. Make it in the process that uses it.
    """
    folder = str(data.postgres)
    # asyncpg takes a comma for the next host.
    if len(os.fsencode(f"{folder}/.s.PGSQL.{_PORT}")) > _SOCKET_PATH_LIMIT or "," in folder:
        folder = f"{_short_way(data.path)}/{data.postgres.name}"
    return f"postgresql://{ROLE}@/{DATABASE}?host={quote(folder)}&port={_PORT}"


@functools.cache
def _short_way(folder: Path) -> str:
    """A short path to a folder whose own path is too long for the address of a socket.

    The system limits the address as it is given, not what it leads to. On Linux that is an open descriptor of this
    process, which nobody can sweep away as old; elsewhere a link in a temporary folder of our own.
    """
    if os.path.isdir("/proc/self/fd"):
        return f"/proc/{os.getpid()}/fd/{os.open(folder, os.O_RDONLY | os.O_DIRECTORY)}"
    private = tempfile.mkdtemp(prefix="afflux-", dir="/tmp")  # Mode 0700, and short.
    atexit.register(shutil.rmtree, private, ignore_errors=True)
    link = os.path.join(private, "d")
    os.symlink(folder, link)
    return link


async def _answers(process: Process, dsn: str) -> bool:
    """Wait until the server lets the application in; False when it ended instead."""
    while process.returncode is None:
        try:
            connection = await asyncpg.connect(dsn)
            await connection.close()
            return True
        except _NOT_YET:
            pass
        except asyncpg.PostgresError as error:
            raise PostgresError(f"PostgreSQL does not let {ROLE} in: {error}") from error
        await asyncio.sleep(_PAUSE)
    return False


def _open_log(path: Path) -> int:
    """Open the server's log to append to it; a log grown large makes room for a new one and is kept as `.1`."""
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
    fd = os.open(path, flags, 0o600)
    if os.fstat(fd).st_size <= _LOG_LIMIT:
        return fd
    os.close(fd)
    path.replace(path.with_name(f"{path.name}.1"))
    return os.open(path, flags, 0o600)


def _last_words(log: Path, start: int) -> str:
    """Why the server ended, in one line of what it wrote since `start`."""
    with open(log, "rb") as file:
        file.seek(start)
        lines = file.read(_LOG_LIMIT).decode(errors="replace").splitlines()
    # "the database system is starting up" goes to a client that is early, us among them.
    fatal = [line for line in lines if re.search(r"\b(FATAL|PANIC):  (?!the database system is)", line)]
    last = (fatal or lines or [f"it wrote nothing to {log}"])[-1]
    return re.sub(r"^.*?\b[A-Z]+:  ", "", last)
