"""Runs commands: in this process on the test's database, or as programs of their own."""

import asyncio
import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from afflux.cli import main

AFFLUX = (sys.executable, "-m", "afflux")


@dataclass(frozen=True)
class Outcome:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one value on standard output; nothing else may be there."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line of a command that failed."""
        assert self.code not in (0, 70), self
        assert self.out == ""
        assert self.err.startswith("afflux: ")
        assert self.err.count("\n") == 1
        assert "Traceback" not in self.err
        return self.err.removeprefix("afflux: ").rstrip()


async def afflux(*arguments: object) -> Outcome:
    """A command, in a thread of this process."""
    return await asyncio.to_thread(_main, [str(argument) for argument in arguments])


def _main(arguments: list[str]) -> Outcome:
    code, out, err = 0, io.StringIO(), io.StringIO()
    argv, sys.argv = sys.argv, ["afflux", *arguments]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = argv
    return Outcome(code, out.getvalue(), err.getvalue())


def program(*arguments: object, data: Path, stdin: str = "", **environment: str) -> Outcome:
    """A command as a program of its own, on a data folder."""
    done = subprocess.run(
        [*AFFLUX, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"AFFLUX_DATA": str(data), "NO_COLOR": "1"} | environment,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)
