"""Keep a set of child processes alive, and the embedded PostgreSQL below them; leave none behind.

A child is started again when it ends, after a pause that grows. When the supervisor itself is killed, its children end
too: all hold the read end of one pipe whose write end only the supervisor has, so its death, however sudden, is an
end-of-file to them. `end_with_supervisor` in the child waits for that in a thread and kills the child's process group
at once, without a farewell: the database goes away at the same moment, jobs are made to survive it, and the next server
must never meet the last one's children. (The kernel's own death signal would bind the child to one thread of the
supervisor, does not reach the child's children, and only Linux has it.)
"""

import asyncio
import contextlib
import logging
import os
import signal
import threading
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

_PIPE_VARIABLE = "AFFLUX_SUPERVISOR_PIPE"
_FIRST_PAUSE, _LONGEST_PAUSE, _GOOD_LIFE = 0.2, 5.0, 30.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Child:
    """A command that should always be running."""

    name: str
    """What the log calls it."""
    argv: Sequence[str]
    env: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    """Its whole environment."""


class Service(Protocol):
    """Something that runs until it ends or is stopped, and can be started again. `EmbeddedPostgres` is one."""

    @property
    def pid(self) -> int | None: ...
    async def start(self) -> None: ...
    async def wait(self) -> int: ...
    async def stop(self) -> None: ...


class Supervisor:
    """Runs children, and optionally the database below them, until told to stop."""

    def __init__(self, children: Sequence[Child], *, postgres: Service | None = None, stop_limit: float = 30.0) -> None:
        """`stop_limit`: seconds that a child is given to end after SIGTERM before it gets SIGKILL.

        `postgres` may be running already, as migrations need it before the children; it is stopped here, last of all.
        """
        self._children = children
        self._postgres = postgres
        self._stop_limit = stop_limit

    async def run(self, until: asyncio.Event) -> None:
        """Start all and keep them alive until the event is set or this is cancelled; return when none is left."""
        if self._postgres and self._postgres.pid is None:
            await self._postgres.start()
        async with _kept({"postgres": self._postgres} if self._postgres else {}):
            with _pipe() as pipe:
                children = {child.name: _Process(child, pipe, self._stop_limit) for child in self._children}
                async with _kept(children):
                    await until.wait()


def stopped_by_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


def end_with_supervisor() -> None:
    """Tie this process and its group to the supervisor that started it: call it first thing in a child.

    Does nothing in a process that was started by hand.
    """
    number = os.environ.pop(_PIPE_VARIABLE, None)
    if number is not None:
        os.set_inheritable(int(number), False)
        threading.Thread(target=_end_after, args=(int(number),), name="supervisor-watch", daemon=True).start()


def _end_after(pipe: int) -> None:
    os.read(pipe, 1)  # Nobody ever writes: it returns when the only write end is gone.
    os.killpg(os.getpgrp(), signal.SIGKILL)


class _Process:
    """One child as a service. It leads a session of its own: Ctrl-C in a terminal is for the supervisor only."""

    def __init__(self, child: Child, pipe: int, stop_limit: float) -> None:
        self._child = child
        self._pipe = pipe
        self._stop_limit = stop_limit
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            *self._child.argv,
            env={**self._child.env, _PIPE_VARIABLE: str(self._pipe)},
            stdin=DEVNULL,
            pass_fds=(self._pipe,),
            start_new_session=True,
        )

    async def wait(self) -> int:
        if self._process is None:
            return 0
        code = await self._process.wait()
        self._forget(self._process)
        return code

    async def stop(self) -> None:
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), self._stop_limit)
        self._forget(process)
        await process.wait()

    def _forget(self, process: Process) -> None:
        """Kill what is left of the child and of all it started: nothing may work beside its successor."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        self._process = None


@contextlib.contextmanager
def _pipe() -> Iterator[int]:
    """The read end of the pipe that ends when this process does."""
    read, write = os.pipe()
    try:
        yield read
    finally:
        os.close(read)
        os.close(write)


@contextlib.asynccontextmanager
async def _kept(services: Mapping[str, Service]) -> AsyncIterator[None]:
    """Keep the services alive within the block; at its end, stop them all at once."""
    keepers = [asyncio.create_task(_keep(name, service)) for name, service in services.items()]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)
        await asyncio.gather(*(service.stop() for service in services.values()))


async def _keep(name: str, service: Service) -> None:
    """Start the service, again and again whenever it ends. Returns only by being cancelled."""
    clock = asyncio.get_running_loop().time
    pause = 0.0
    while True:
        born = clock()
        end = await _one_life(service)
        pause = next_pause(pause, lived=clock() - born)
        log.warning("%s %s; starting it again in %.1f s", name, end, pause)
        await asyncio.sleep(pause)


def next_pause(last: float, lived: float) -> float:
    """Seconds until something is started again that ended after `lived` seconds; `last` was the pause before that."""
    if lived >= _GOOD_LIFE:
        return _FIRST_PAUSE
    return min(max(2 * last, _FIRST_PAUSE), _LONGEST_PAUSE)


async def _one_life(service: Service) -> str:
    """Run the service once, from its start unless it runs already, and say how it ended."""
    try:
        if service.pid is None:
            await service.start()
        code = await service.wait()
    except Exception as error:  # A supervisor that fails at one service must go on with all the others.
        return f"did not start: {error}"
    return f"was killed by signal {-code}" if code < 0 else f"ended with exit code {code}"
