"""The data folder: one private directory with the root key, the embedded database and the server's lock."""

import contextlib
import fcntl
import os
import secrets
import shlex
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from afflux.domain.errors import AffluxError

ROOT_KEY_BYTES = 32
_KEY, _LOCK, _POSTGRES = "root.key", "afflux.lock", "postgres"
_PROBE_PAUSE = 0.02


class DataFolderError(AffluxError):
    """The data folder cannot be used; the text is one line for the person who runs the server."""


class UnsafeDataFolder(DataFolderError):
    """The folder or its key is open to others, or the key is lost or damaged."""


class DataFolderInUse(DataFolderError):
    """Another live process serves this folder."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A checked data folder. Made by `open_data_folder`."""

    path: Path
    """Absolute, symlinks resolved."""

    @property
    def postgres(self) -> Path:
        """The folder of the embedded database's cluster; it need not exist yet."""
        return self.path / _POSTGRES

    @property
    def postgres_log(self) -> Path:
        """Where the embedded database writes what it has to say about itself."""
        return self.path / "postgres.log"

    def root_key(self) -> bytes:
        """The 32 bytes that wrap every user's data key, read and checked anew on each call.

        Raises UnsafeDataFolder when the file is missing, open to others or of a wrong length.
        """
        return _read_key(self.path / _KEY)

    @contextlib.contextmanager
    def lock(self, wait: float = 1.0) -> Iterator[None]:
        """Be the one process that serves this folder, until the block ends or the process dies.

        `wait` is how many seconds a present holder is given to end. Raises DataFolderInUse with its pid.
        The descriptor is closed in every program started from here, so a child cannot keep the lock alive.
        """
        with _one_line(self.path):
            fd = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            _take(fd, self.path, wait)
            os.ftruncate(fd, 0)
            os.pwrite(fd, b"%d\n" % os.getpid(), 0)
            yield
        finally:
            # Said out loud and not left to close(): a forked copy of this process would keep it otherwise.
            fcntl.flock(fd, fcntl.LOCK_UN)
            os.close(fd)


def open_data_folder(path: str | Path) -> DataFolder:
    """Open the data folder, and create it with a new root key where it is not there yet.

    Raises UnsafeDataFolder when others can get in or the key is not as it must be, DataFolderError otherwise.
    """
    with _one_line(path):
        folder = Path(path).resolve()
        _make_private(folder)
        _require_mode(folder, os.stat(folder), 0o700)
        if not os.path.lexists(folder / _KEY):
            _create_key(folder)
        _read_key(folder / _KEY)
    return DataFolder(folder)


def is_served(path: str | Path) -> bool:
    """Whether a live process holds the lock of the folder; keeps nothing and creates nothing."""
    return serving_pid(path) is not None


def serving_pid(path: str | Path) -> int | None:
    """The pid of the live process that holds the lock of the folder; None when nobody does."""
    lock = Path(path) / _LOCK
    with _one_line(path):
        if not os.path.lexists(lock):
            return None
        fd = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        # Shared, so that two who ask at once do not see each other; `lock` waits out the moment it is held.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _read_pid(fd)
    finally:
        os.close(fd)


@contextlib.contextmanager
def _one_line(path: str | Path) -> Iterator[None]:
    """Say in one line what the system refused."""
    try:
        yield
    except OSError as error:
        raise DataFolderError(f"cannot use the data folder {path}: {error.strerror}") from error


def _take(fd: int, folder: Path, wait: float) -> None:
    deadline = time.monotonic() + wait
    while True:
        try:
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise DataFolderInUse(f"{folder} is in use by another server, process {_read_pid(fd)}") from None
        time.sleep(_PROBE_PAUSE)


def _read_pid(fd: int) -> int:
    """The pid in the lock file; 0 in the instant between taking the lock and writing it."""
    digits = os.pread(fd, 32, 0).strip()
    return int(digits) if digits.isdigit() else 0


def _make_private(folder: Path) -> None:
    """Create the folder with mode 0700 whatever the umask; folders above it are made in the ordinary way."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        folder.mkdir(0o700)
        folder.chmod(0o700)


def _create_key(folder: Path) -> None:
    if os.path.lexists(folder / _POSTGRES):
        raise UnsafeDataFolder(
            f"{folder / _KEY} is missing although {folder} already has a database: put the key back from a backup"
        )
    # Written aside and linked: the name appears with all its bytes or not at all, and never replaces a key.
    fd, draft = tempfile.mkstemp(prefix=f".{_KEY}.", dir=folder)  # O_EXCL, mode 0600
    try:
        with open(fd, "wb") as file:
            file.write(secrets.token_bytes(ROOT_KEY_BYTES))
            file.flush()
            os.fsync(fd)
        with contextlib.suppress(FileExistsError):
            os.link(draft, folder / _KEY)
    finally:
        os.unlink(draft)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _read_key(path: Path) -> bytes:
    try:
        with open(path, "rb") as file:
            _require_mode(path, os.fstat(file.fileno()), 0o600)
            key = file.read(ROOT_KEY_BYTES + 1)
    except OSError as error:
        raise UnsafeDataFolder(f"cannot read the root key {path}: {error.strerror}") from error
    if len(key) != ROOT_KEY_BYTES:
        raise UnsafeDataFolder(f"{path} must hold {ROOT_KEY_BYTES} bytes: put the key back from a backup")
    return key


def _require_mode(path: Path, found: os.stat_result, wanted: int) -> None:
    mode = stat.S_IMODE(found.st_mode) & 0o777
    if mode != wanted:
        raise UnsafeDataFolder(
            f"{path} has mode {mode:04o} and must have {wanted:04o}: run chmod {wanted:o} {shlex.quote(str(path))}"
        )
