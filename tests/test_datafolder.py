"""The data folder: private from the first moment, one key for ever, one server at a time."""

import os
import signal
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from afflux.datafolder import (
    DataFolderError,
    DataFolderInUse,
    UnsafeDataFolder,
    is_served,
    open_data_folder,
    serving_pid,
)

HOLDER = """
import subprocess, sys
from afflux.datafolder import open_data_folder
with open_data_folder(sys.argv[1]).lock():
    child = subprocess.Popen(["sleep", "60"], stdout=subprocess.DEVNULL)
    print(child.pid, flush=True)
    sys.stdin.read()
    child.kill()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def hold(path: Path) -> tuple[subprocess.Popen[str], int]:
    """Another process that holds the folder's lock until its input ends, and the pid of a child of it."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    return process, int(process.stdout.readline())


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_folder_and_its_key_are_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        data = open_data_folder(tmp_path / "above" / "data")
    finally:
        os.umask(before)
    assert (mode(data.path), mode(data.path / "root.key"), len(data.root_key())) == (0o700, 0o600, 32)


def test_nothing_but_the_key_is_in_a_new_folder(tmp_path: Path) -> None:
    assert os.listdir(open_data_folder(tmp_path / "data").path) == ["root.key"]


def test_the_key_stays_the_same_and_differs_between_folders(tmp_path: Path) -> None:
    key = open_data_folder(tmp_path / "a").root_key()
    assert open_data_folder(tmp_path / "a").root_key() == key
    assert open_data_folder(tmp_path / "b").root_key() != key


def test_all_who_create_a_folder_at_once_get_the_same_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda _: open_data_folder(tmp_path / "data").root_key(), range(64)))
    assert len(set(keys)) == 1
    assert os.listdir(tmp_path / "data") == ["root.key"]


@pytest.mark.parametrize("open_mode", [0o755, 0o750, 0o701, 0o500])
def test_a_folder_open_to_others_is_refused_with_the_command_that_helps(tmp_path: Path, open_mode: int) -> None:
    folder = tmp_path / "my data"
    open_data_folder(folder)
    folder.chmod(open_mode)
    with pytest.raises(UnsafeDataFolder) as refused:
        open_data_folder(folder)
    assert str(refused.value) == f"{folder} has mode {open_mode:04o} and must have 0700: run chmod 700 '{folder}'"
    assert mode(folder) == open_mode


@pytest.mark.parametrize("key_mode", [0o644, 0o640, 0o400, 0o700])
def test_a_key_file_with_another_mode_is_refused(tmp_path: Path, key_mode: int) -> None:
    key = open_data_folder(tmp_path / "data").path / "root.key"
    key.chmod(key_mode)
    with pytest.raises(UnsafeDataFolder, match=f"{key} has mode {key_mode:04o} .* chmod 600 {key}$"):
        open_data_folder(tmp_path / "data")


@pytest.mark.parametrize("length", [0, 31, 33, 5000])
def test_a_key_of_a_wrong_length_is_refused(tmp_path: Path, length: int) -> None:
    data = open_data_folder(tmp_path / "data")
    (data.path / "root.key").write_bytes(b"k" * length)
    with pytest.raises(UnsafeDataFolder, match="must hold 32 bytes"):
        open_data_folder(data.path)


def test_a_key_that_is_lost_beside_a_database_is_never_replaced(tmp_path: Path) -> None:
    data = open_data_folder(tmp_path / "data")
    data.postgres.mkdir()
    (data.path / "root.key").unlink()
    with pytest.raises(UnsafeDataFolder, match="is missing although"):
        open_data_folder(data.path)
    assert not (data.path / "root.key").exists()


def test_a_key_that_goes_bad_later_is_not_handed_out(tmp_path: Path) -> None:
    data = open_data_folder(tmp_path / "data")
    (data.path / "root.key").chmod(0o644)
    with pytest.raises(UnsafeDataFolder):
        data.root_key()


def test_a_file_in_the_place_of_the_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(DataFolderError) as refused:
        open_data_folder(tmp_path / "data")
    assert "\n" not in str(refused.value)


def test_a_second_server_is_told_who_has_the_folder(tmp_path: Path) -> None:
    holder, _ = hold(tmp_path / "data")
    data = open_data_folder(tmp_path / "data")
    in_use = pytest.raises(DataFolderInUse, match=f"in use by another server, process {holder.pid}$")
    with in_use, data.lock(wait=0):
        pytest.fail("two hold the lock")
    assert serving_pid(tmp_path / "data") == holder.pid
    holder.communicate()
    assert not is_served(tmp_path / "data")


def test_a_killed_server_frees_the_folder_although_its_child_lives(tmp_path: Path) -> None:
    holder, child = hold(tmp_path / "data")
    holder.kill()
    holder.wait()
    try:
        os.kill(child, 0)
        assert not is_served(tmp_path / "data")
        with open_data_folder(tmp_path / "data").lock(wait=0):
            assert serving_pid(tmp_path / "data") == os.getpid()
    finally:
        os.kill(child, signal.SIGKILL)


def test_the_lock_waits_for_a_holder_that_is_about_to_end(tmp_path: Path) -> None:
    holder, _ = hold(tmp_path / "data")
    assert holder.stdin
    holder.stdin.close()
    with open_data_folder(tmp_path / "data").lock(wait=10):
        assert is_served(tmp_path / "data")


def test_an_error_in_the_block_frees_the_folder(tmp_path: Path) -> None:
    data = open_data_folder(tmp_path / "data")
    with pytest.raises(ZeroDivisionError), data.lock():
        print(1 / 0)
    assert not is_served(data.path)


def test_asking_who_serves_creates_nothing(tmp_path: Path) -> None:
    data = open_data_folder(tmp_path / "data")
    assert not is_served(data.path)
    assert not is_served(tmp_path / "elsewhere")
    assert os.listdir(data.path) == ["root.key"]
    assert os.listdir(tmp_path) == ["data"]


def test_many_who_ask_do_not_keep_a_server_from_starting(tmp_path: Path) -> None:
    data = open_data_folder(tmp_path / "data")
    with data.lock():
        pass
    with ThreadPoolExecutor(4) as pool:
        asking = [pool.submit(lambda: [is_served(data.path) for _ in range(300)]) for _ in range(4)]
        with data.lock(wait=5):
            assert is_served(data.path)
    assert all(isinstance(done.result(), list) for done in asking)


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    data = open_data_folder(tmp_path / "data")
    (tmp_path / "precious").write_text("keep me")
    (data.path / "afflux.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(DataFolderError), data.lock():
        pytest.fail("followed")
    assert (tmp_path / "precious").read_text() == "keep me"
