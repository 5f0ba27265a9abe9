"""A connector in a process of its own has limits, says nothing behind our back, and leaves nothing behind."""

import asyncio
import logging
import os
import signal
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import psutil
import pytest
import uvloop

from afflux.connectors import host, wire
from afflux.connectors.drive import Job
from afflux.domain.catalogue import Isolation
from afflux.domain.errors import SyncErrorCode
from afflux.domain.messages import Checkpoint, Done, Failure, Progress, Warning
from tests.connectors.running import SECRET, collect, context, end, gone, manifest, on_linux, request, until


@on_linux
def test_processor_time_is_limited() -> None:
    cage = wire.Cage(memory_mib=1024, seconds=1, network=True, path=tuple(map(os.path.abspath, sys.path)))
    job = Job(connector="tests.connectors.misbehaving:connector", context=context(), request=request("spin"))
    with subprocess.Popen(
        [sys.executable, "-m", "afflux.connectors.child"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None
        child.stdin.write(wire.encode(cage) + wire.encode(job))
        child.stdin.flush()
        assert child.wait(30) == -signal.SIGXCPU


async def test_a_child_out_of_processor_time_took_too_long() -> None:
    failure = await end(f"die:{signal.SIGXCPU.value}")
    assert failure == Failure(SyncErrorCode.TIMEOUT, "more than 20 s of processor time used")


@on_linux
@pytest.mark.parametrize("behaviour", ["eat-memory", "eat-memory-in-crumbs"])
async def test_memory_is_limited(behaviour: str, nothing_left: None) -> None:
    failure = await end(behaviour, memory_mib=192)
    assert failure == Failure(SyncErrorCode.CONNECTOR_BROKEN, "MemoryError: the connector needed more than 192 MiB")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
async def test_a_child_that_is_killed_is_reported(number: signal.Signals, nothing_left: None) -> None:
    assert await collect(f"die:{number.value}") == [
        Checkpoint(account_key="acc"),
        Failure(SyncErrorCode.CONNECTOR_BROKEN, f"its process was killed by signal {number.value}"),
    ]


async def test_what_a_connector_prints_never_reaches_the_protocol_or_the_log(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert await collect("print-a-lot") == [Progress("connect", 1), Done()]
    assert "bytes to its standard error" in caplog.text
    assert SECRET not in caplog.text + "".join(capfd.readouterr())


async def test_a_child_cannot_read_what_it_was_sent() -> None:
    assert await collect("read-input") == [Warning("input", "''"), Done()]


@on_linux
@pytest.mark.parametrize("behaviour", ["write-garbage", f"write-garbage:{40 * 1024 * 1024}"])
async def test_garbage_on_the_protocol_is_refused(behaviour: str, nothing_left: None) -> None:
    first, failure = await collect(behaviour)
    assert first == Progress("connect", 1)
    assert isinstance(failure, Failure)
    assert failure.code is SyncErrorCode.CONNECTOR_BROKEN
    assert failure.detail in ("a line is not a message", "a line is too long")


async def test_the_secrets_travel_neither_in_the_environment_nor_in_the_arguments() -> None:
    *_, environment, arguments, folder, done = await collect("surroundings")
    assert isinstance(environment, Warning)
    assert set(environment.text.split()) <= {"LC_CTYPE", "__CF_USER_TEXT_ENCODING"}
    assert isinstance(arguments, Warning)
    assert SECRET not in arguments.text
    assert folder == Warning("folder", "/")
    assert done == Done()


async def test_open_files_are_limited() -> None:
    assert await end("open-files") == Failure(SyncErrorCode.CONNECTOR_BROKEN, "OSError")


async def test_files_are_limited_in_size(tmp_path: Path) -> None:
    target = tmp_path / "large"
    stream = host.run(
        manifest(Isolation.PROCESS), context(), request("write-a-large-file", secrets={"file": str(target)})
    )
    *_, last = [message async for message in stream]
    assert isinstance(last, Failure)
    assert target.stat().st_size <= 64 * 1024 * 1024


async def test_a_child_may_run_a_program() -> None:
    assert await collect("run-a-program") == [Warning("answer", "42"), Done()]


async def test_processes_that_a_connector_leaves_behind_are_killed(nothing_left: None) -> None:
    warning, done = await collect("leave-children")
    assert isinstance(warning, Warning)
    assert done == Done()
    await until(lambda: gone(int(warning.text)))


@on_linux
async def test_a_connector_without_network_reaches_nobody() -> None:
    server = await asyncio.start_server(lambda reader, writer: writer.close(), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        assert (await collect(f"call-out:{port}"))[-1] == Done()
        if not may_unshare():
            pytest.skip("this kernel does not let us leave the network")
        failure = await end(f"call-out:{port}", network=False)
    assert failure.detail == "OSError"


def may_unshare() -> bool:
    code = "import ctypes, sys; sys.exit(ctypes.CDLL(None).unshare(0x50000000) != 0)"
    return subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@on_linux
async def test_a_child_dies_with_a_server_that_is_killed() -> None:
    code = """
import asyncio
from afflux.connectors import host
from afflux.domain.catalogue import Isolation
from afflux.domain.messages import Warning
from tests.connectors.running import context, manifest, request
async def main():
    async for message in host.run(manifest(Isolation.PROCESS), context(), request("own-pid")):
        if isinstance(message, Warning):
            print(message.text, flush=True)
asyncio.run(main())
"""
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parents[2]
    )
    assert server.stdout is not None
    child = int(await asyncio.wait_for(server.stdout.readline(), 20))
    assert psutil.pid_exists(child)
    server.kill()
    await server.wait()
    await until(lambda: gone(child))


def test_children_work_under_uvloop_too() -> None:
    async def everything() -> None:
        assert len(await collect("honest:5000")) == 5003
        assert (await end("hang", seconds=1)).code is SyncErrorCode.TIMEOUT
        assert "signal 9" in (await end("die:9")).detail
        async with aclosing(host.run(manifest(Isolation.PROCESS), context(), request("own-pid"))) as stream:
            warning = await anext(stream)
        assert isinstance(warning, Warning)
        assert gone(int(warning.text))

    uvloop.run(everything())


async def test_many_children_at_once(nothing_left: None) -> None:
    runs = await asyncio.gather(*(collect("honest:200") for _ in range(6)))
    assert all(len(run) == 203 for run in runs)
