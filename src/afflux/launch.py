"""Become another program: as a given account, in a session of its own, and tied to the life of the starter.

Run as a script by `launch_command`, before the program that it turns into. A script and not a `preexec_fn`, because
that one runs Python between fork and exec, which may deadlock in a process with threads. And not `subprocess`'s
`user=`, because the account may have no way to this interpreter (a virtualenv under a closed home), and because the
kernel forgets the death signal when the user changes, so it has to be set after that and before the exec.
"""

import ctypes
import os
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_FAILED = 126


@dataclass(frozen=True, slots=True)
class Account:
    """A user and a group of the operating system, by number."""

    uid: int
    gid: int


def launch_command(argv: list[str], account: Account | None, death_signal: signal.Signals) -> list[str]:
    """The command that becomes `argv` as `account` (None: as we are).

    On Linux the program gets `death_signal` when the *thread* that starts it ends, so start it from the main one.
    """
    who = f"{account.uid}:{account.gid}" if account else "-"
    script = str(Path(__file__).resolve())
    return [sys.executable, "-I", "-S", script, str(os.getpid()), str(int(death_signal)), who, *argv]


def _become(starter: int, death_signal: int, who: str, argv: list[str]) -> None:
    for changed_by_python in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(changed_by_python, signal.SIG_DFL)
    os.umask(0o077)
    if who != "-":
        _drop_to(*map(int, who.split(":")))
    _die_with_starter(death_signal)
    if os.getppid() != starter:
        sys.exit(_FAILED)  # It ended before the signal was set; nobody would ever stop us.
    os.execv(argv[0], argv)  # noqa: S606


def _drop_to(uid: int, gid: int) -> None:
    """Give up root for good: saved ids and supplementary groups too."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with_starter(death_signal: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0)


if __name__ == "__main__":
    try:
        _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
    except OSError as error:
        print(f"FATAL:  cannot start {sys.argv[4]}: {error.strerror}", file=sys.stderr)
        sys.exit(_FAILED)
