"""The cluster on disk: made once, whole or not at all, by PostgreSQL's own programs."""

import asyncio
import contextlib
import os
import shutil
import signal
import tempfile
from asyncio.subprocess import PIPE, STDOUT, Process
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afflux.datafolder import DataFolder, sync_folder
from afflux.launch import Account, launch_command
from afflux.postgres_account import MAJOR_VERSION, PostgresError

ROLE = DATABASE = "afflux"
_SUPERUSER = "postgres"
_INITDB = (
    f"--username={_SUPERUSER}",
    "--auth-local=trust",
    "--auth-host=reject",
    "--data-checksums",
    "--encoding=UTF8",
    # The built-in provider sorts and folds the same on every machine and through every update of a C library.
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)
_FIRST_SQL = f"CREATE ROLE {ROLE} LOGIN;\nCREATE DATABASE {DATABASE} OWNER {ROLE};\n"
_DRAFT = "postgres.new-"


@dataclass(frozen=True, slots=True)
class Programs:
    """PostgreSQL's programs, and who runs them."""

    folder: Path
    account: Account | None

    async def spawn(
        self, argv: list[str], cluster: Path, death_signal: signal.Signals, stdin: int, output: int
    ) -> Process:
        """Start a program on a cluster: nothing from our environment, no signals from our terminal."""
        with _way_to(cluster, self.account) as (path, descriptors):
            program = [str(self.folder / argv[0]), *argv[1:]]
            return await asyncio.create_subprocess_exec(
                *launch_command(program, self.account, death_signal),
                stdin=stdin,
                stdout=output,
                stderr=STDOUT,
                cwd="/",
                env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGDATA": path},
                pass_fds=descriptors,
                start_new_session=True,
            )

    async def run(self, argv: list[str], cluster: Path, sql: str = "") -> None:
        """Run a program to its end. Raises PostgresError with its last line when it fails."""
        process = await self.spawn(argv, cluster, signal.SIGKILL, PIPE, PIPE)
        try:
            output, _ = await process.communicate(sql.encode())
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            lines = output.decode(errors="replace").split("\n\n")[0].splitlines() or ["it says nothing"]
            raise PostgresError(f"cannot make the database in {cluster.parent}: {argv[0]}: {lines[-1].strip()}")


async def ensure_cluster(data: DataFolder, programs: Programs) -> None:
    """Make the cluster with the application's role and database where there is none.

    It is made aside and renamed when complete, so that one killed halfway is thrown away and made anew.
    """
    for draft in data.path.glob(_DRAFT + "*"):
        shutil.rmtree(draft, ignore_errors=True)
    if not data.postgres.exists():
        draft = Path(tempfile.mkdtemp(prefix=_DRAFT, dir=data.path))
        if programs.account:
            os.chown(draft, programs.account.uid, programs.account.gid)
        await programs.run(["initdb", *_INITDB], draft)
        await programs.run(["postgres", "--single", "-c", "exit_on_error=on", _SUPERUSER], draft, _FIRST_SQL)
        draft.rename(data.postgres)
        sync_folder(data.path)
    _check_version(data.postgres)


def _check_version(cluster: Path) -> None:
    version = cluster / "PG_VERSION"
    found = version.read_text().strip() if version.is_file() else "nothing"
    if found != MAJOR_VERSION:
        raise PostgresError(f"{cluster} holds {found} where a cluster of PostgreSQL {MAJOR_VERSION} should be")


@contextlib.contextmanager
def _way_to(cluster: Path, account: Account | None) -> Iterator[tuple[str, tuple[int, ...]]]:
    """How a program finds the cluster, and the descriptors it needs for that.

    An account other than ours cannot walk to a folder inside our private one, but may use an open one.
    """
    if account is None:
        yield str(cluster), ()
        return
    fd = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{fd}", (fd,)
    finally:
        os.close(fd)
