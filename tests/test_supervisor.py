"""The supervisor: what should run runs again, what should end ends, and nothing is left when it is killed."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from subprocess import PIPE, Popen

import asyncpg
import psutil
import pytest

from afflux.datafolder import open_data_folder
from afflux.postgres import EmbeddedPostgres
from afflux.supervisor import Child, Supervisor, next_pause

# Writes its process number and that of a child of its own, then waits; SIGTERM ends it.
WORK = """
import os, subprocess, sys, time
from afflux.supervisor import end_with_supervisor
end_with_supervisor()
own = subprocess.Popen(["sleep", "60"])
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()} {own.pid}\\n")
time.sleep(60)
"""

STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN);" + WORK

SUPERVISE = f"""
import asyncio, sys
from afflux.supervisor import Child, Supervisor
children = [Child(name, (sys.executable, "-c", {WORK!r}, name)) for name in sys.argv[1:]]
asyncio.run(Supervisor(children).run(asyncio.Event()))
"""

# Asks the database one more thing when it is told to end.
LAST_WORDS = """
import asyncio, asyncpg, signal, sys
async def main():
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    open(sys.argv[2], "a").write("up\\n")
    await stop.wait()
    connection = await asyncpg.connect(sys.argv[1])
    open(sys.argv[2], "a").write(await connection.fetchval("SELECT 'goodbye'"))
asyncio.run(main())
"""


def worker(name: str, folder: Path, script: str = WORK) -> Child:
    return Child(name, (sys.executable, "-c", script, str(folder / name)))


def lives(file: Path) -> list[list[int]]:
    """The process numbers of a child and its own child, one pair for each time it was started."""
    return [list(map(int, line.split())) for line in file.read_text().splitlines()] if file.exists() else []


def alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


async def until(met: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.01)


async def until_reached(dsn: str) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError, asyncpg.CannotConnectNowError):
                return await (await asyncpg.connect(dsn)).close()
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running(supervisor: Supervisor) -> AsyncIterator[None]:
    stop = asyncio.Event()
    task = asyncio.create_task(supervisor.run(stop))
    try:
        yield
    finally:
        stop.set()
        await task


async def test_a_child_that_dies_is_started_again_and_the_others_are_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(Supervisor([worker("api", tmp_path), worker("worker", tmp_path)])):
        await until(lambda: bool(lives(tmp_path / "api") and lives(tmp_path / "worker")))
        os.kill(lives(tmp_path / "worker")[0][0], signal.SIGKILL)
        await until(lambda: len(lives(tmp_path / "worker")) == 2)
        assert len(lives(tmp_path / "api")) == 1
        assert alive(lives(tmp_path / "api")[0][0])
    assert caplog.messages == ["worker was killed by signal 9; starting it again in 0.2 s"]


async def test_what_a_killed_child_had_started_does_not_outlive_it(tmp_path: Path) -> None:
    async with running(Supervisor([worker("worker", tmp_path)])):
        await until(lambda: len(lives(tmp_path / "worker")) == 1)
        child, grandchild = lives(tmp_path / "worker")[0]
        os.kill(child, signal.SIGKILL)
        await until(lambda: not alive(grandchild))


async def test_pauses_grow_while_a_child_keeps_failing(caplog: pytest.LogCaptureFixture) -> None:
    failing = Child("api", (sys.executable, "-S", "-c", "raise SystemExit(3)"))
    async with running(Supervisor([failing])):
        await until(lambda: len(caplog.messages) == 3)
    assert caplog.messages == [
        f"api ended with exit code 3; starting it again in {pause} s" for pause in ("0.2", "0.4", "0.8")
    ]


def test_pauses_end_at_five_seconds_and_a_good_life_makes_the_next_one_short_again() -> None:
    assert [next_pause(last, lived=1) for last in (0, 0.2, 1.6, 3.2, 5)] == [0.2, 0.4, 3.2, 5, 5]
    assert next_pause(5, lived=29) == 5
    assert next_pause(5, lived=30) == 0.2


async def test_a_command_that_does_not_exist_is_said_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    async with running(Supervisor([Child("api", ("/no/such/command",))])):
        await until(lambda: len(caplog.messages) == 2)
    assert caplog.messages[0].startswith("api did not start: ")


async def test_a_stop_ends_every_child_and_what_it_started(tmp_path: Path) -> None:
    async with running(Supervisor([worker("api", tmp_path), worker("worker", tmp_path)])):
        await until(lambda: bool(lives(tmp_path / "api") and lives(tmp_path / "worker")))
    pids = [pid for name in ("api", "worker") for pid in lives(tmp_path / name)[0]]
    await until(lambda: not any(map(alive, pids)), seconds=5)


async def test_a_child_that_ignores_the_stop_is_killed(tmp_path: Path) -> None:
    async with running(Supervisor([worker("worker", tmp_path, STUBBORN)], stop_limit=0.3)):
        await until(lambda: len(lives(tmp_path / "worker")) == 1)
        started = time.monotonic()
    assert 0.3 <= time.monotonic() - started < 5
    assert not alive(lives(tmp_path / "worker")[0][0])


async def test_a_stop_during_a_pause_does_not_wait_for_its_end(caplog: pytest.LogCaptureFixture) -> None:
    async with running(Supervisor([Child("api", ("false",))])):
        await until(lambda: len(caplog.messages) == 3)
        started = time.monotonic()
    assert time.monotonic() - started < 0.5


async def test_cancelling_the_supervisor_leaves_nothing(tmp_path: Path) -> None:
    task = asyncio.create_task(Supervisor([worker("api", tmp_path)]).run(asyncio.Event()))
    await until(lambda: len(lives(tmp_path / "api")) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: not any(map(alive, lives(tmp_path / "api")[0])), seconds=5)


async def test_children_end_at_once_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    supervisor = Popen([sys.executable, "-c", SUPERVISE, "api", "worker"], cwd=tmp_path)
    await until(lambda: bool(lives(tmp_path / "api") and lives(tmp_path / "worker")))
    pids = [pid for name in ("api", "worker") for pid in lives(tmp_path / name)[0]]
    assert all(map(alive, pids))
    supervisor.kill()
    supervisor.wait()
    await until(lambda: not any(map(alive, pids)), seconds=5)


async def test_a_child_sees_neither_the_terminal_nor_the_name_of_the_pipe(tmp_path: Path) -> None:
    script = (
        "import os, sys\n"
        "from afflux.supervisor import end_with_supervisor\n"
        "end_with_supervisor()\n"
        "left = [name for name in os.environ if 'SUPERVISOR' in name]\n"
        "print(os.getsid(0) == os.getpid(), left, sys.stdin.read(), file=open(sys.argv[1], 'w'), flush=True)\n"
        "import time; time.sleep(60)\n"
    )
    file = tmp_path / "seen"
    async with running(Supervisor([Child("api", (sys.executable, "-c", script, str(file)))])):
        await until(lambda: file.exists() and file.read_text() != "")
    assert file.read_text() == "True [] \n"


def test_a_command_started_by_hand_is_tied_to_nobody() -> None:
    script = "from afflux.supervisor import end_with_supervisor; end_with_supervisor(); print('alive')"
    done = subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, stdout=PIPE, check=True)
    assert done.stdout == b"alive\n"


async def test_waiting_costs_nothing(tmp_path: Path) -> None:
    async with running(Supervisor([worker("api", tmp_path)])):
        await until(lambda: len(lives(tmp_path / "api")) == 1)
        before = time.process_time()
        await asyncio.sleep(0.5)  # The time that is measured, not one that is hoped to be enough.
        assert time.process_time() - before < 0.05


async def test_the_database_is_started_again_without_ending_the_children(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "afflux.supervisor")
    data = open_data_folder(tmp_path / "data")
    said = tmp_path / "said"
    with data.lock():
        postgres = EmbeddedPostgres(data)
        child = Child("worker", (sys.executable, "-c", LAST_WORDS, postgres.dsn, str(said)))
        async with running(Supervisor([child], postgres=postgres)):
            await until(lambda: said.exists() and said.read_text() == "up\n", seconds=30)
            first = postgres.pid
            assert first
            os.kill(first, signal.SIGKILL)
            await until(lambda: postgres.pid not in (None, first))
            await until_reached(postgres.dsn)
        assert postgres.pid is None
    assert caplog.messages == ["postgres was killed by signal 9; starting it again in 0.2 s"]
    # It was started once, and could still ask the database when it was told to end.
    assert said.read_text() == "up\ngoodbye"
    shutil.rmtree(data.path)
