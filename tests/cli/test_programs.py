"""The commands as programs of their own: without a server, beside one, and with a person at the terminal."""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx

from tests.cli.commanding import AFFLUX, program
from tests.connectors.files.reading import SAMPLES

ALICE = ("shop", "--user", "alice@example.org")


def test_commands_start_their_own_database_and_leave_nothing_running(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert program("app", "create", "shop", "--json", data=data).json["application"] == "shop"
    imported = program("import", *ALICE, SAMPLES / "mt940" / "rabobank-iban.sta", "--json", data=data).json
    assert imported[0]["transactions"]["added"] == 4
    seen = _ask_at_a_terminal(data)
    assert "Invalid parameter sms" in seen
    assert seen.count("finished") >= 2
    _nobody_reads(data)
    assert not (data / "postgres" / "postmaster.pid").exists()


def _ask_at_a_terminal(data: Path) -> str:
    """A sync of two connections, one of which wants a code that is typed at a terminal; what stood on the terminal."""
    linking = ("--provider", "1000", "--login", "fast+quiet+sms", "--password", "123456")
    program("connect", *ALICE, *linking, data=data)
    ours, theirs = pty.openpty()
    command = [*AFFLUX, "sync", *ALICE]
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=os.environ | {"AFFLUX_DATA": str(data)}
    )
    os.close(theirs)
    seen = _until(ours, "Code SMS: ")
    os.write(ours, b"\n")
    seen += _until(ours, "Code SMS: ")
    os.write(ours, b"1234\n")
    seen += _until(ours, None)
    assert process.wait(30) == 0, seen
    os.close(ours)
    return seen


def _until(fd: int, wanted: str | None) -> str:
    """What the terminal shows, up to some text or its end."""
    seen, deadline = "", time.monotonic() + 60
    while time.monotonic() < deadline and (wanted is None or wanted not in seen):
        if not select.select([fd], [], [], 1)[0]:
            continue
        try:
            part = os.read(fd, 4096)
        except OSError:  # The other side is closed.
            break
        if not part:
            break
        seen += part.decode(errors="replace")
    return seen


def _nobody_reads(data: Path) -> None:
    """Output into a closed pipe is no reason to complain."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [*AFFLUX, "events", "shop", "--json"],
        stdout=writer, stderr=subprocess.PIPE, env=os.environ | {"AFFLUX_DATA": str(data)}, timeout=60,
    )  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


@contextmanager
def _served(data: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    command = [*AFFLUX, "serve", "--data", str(data), "--port", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        yield server
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(60) == 0
        assert server.stdout is not None
        server.stdout.close()


def test_commands_work_beside_a_server_which_has_the_port_to_itself(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with _served(data, port) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == f"ready http://127.0.0.1:{port}\n"
        described = httpx.get(f"http://127.0.0.1:{port}/docs/iswigo/openapi.json").json()
        assert described["servers"] == [{"url": f"http://127.0.0.1:{port}"}]
        program("app", "create", "shop", data=data)
        imported = program("import", *ALICE, SAMPLES / "ofx" / "checking.ofx", "--json", data=data)
        assert json.loads(imported.out)[0]["transactions"]["added"] == 3
        taken = program("serve", "--port", port, data=tmp_path / "other").complaint
        assert taken == f"cannot listen on 127.0.0.1 port {port}: Address already in use"
