"""What a bank asks while a sync waits: answered beforehand on the command line, or by the person at the terminal."""

import asyncio
import os
import sys
import tempfile
import termios
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

from afflux.cli.options import err, safe
from afflux.domain.challenges import Answer, Challenge, ChallengeKind, FieldType

#: Gives the answer to a challenge of the connection so called, or None to leave it open.
Ask = Callable[[str, Challenge], Awaitable[Answer | None]]


def asker(given: Mapping[str, str], *, interactive: bool) -> Ask:
    """Answers from the command line first, once each, then from the terminal."""
    left = dict(given)

    async def ask(name: str, challenge: Challenge) -> Answer | None:
        names = wanted(challenge)
        if names and all(each in left for each in names):
            return _answer(challenge, {each: left.pop(each) for each in names})
        return await _ask_terminal(name, challenge) if interactive else None

    return ask


def wanted(challenge: Challenge) -> list[str]:
    """The names of the values that answer a challenge."""
    match challenge.kind:
        case ChallengeKind.CHOICE:
            return ["choice"]
        case ChallengeKind.CONFIRM:
            return ["confirm"]
        case ChallengeKind.REDIRECT:
            return ["redirect"]
    return [field.name for field in challenge.fields]


def _answer(challenge: Challenge, values: dict[str, str]) -> Answer:
    """A redirect is answered by the address it came back to, or only its parameters; anything else as it is typed."""
    if challenge.kind is not ChallengeKind.REDIRECT:
        return Answer(values=values)
    came_back = values["redirect"].strip()
    return Answer(values=dict(parse_qsl(urlsplit(came_back).query or came_back.lstrip("?"))))


async def _ask_terminal(name: str, challenge: Challenge) -> Answer | None:
    err.print(f"[bold]{safe(name)}[/bold]: {safe(challenge.text or challenge.name)}", soft_wrap=True)
    if challenge.url:
        err.print(f"  open {safe(challenge.url)}", soft_wrap=True)
    if challenge.image:
        err.print(f"  look at {_kept(challenge.image)}", soft_wrap=True)
    for key, text in challenge.choices.items():
        err.print(f"  {safe(key)}: {safe(text)}", soft_wrap=True)
    values = {}
    for value, label, hidden in _prompts(challenge):
        line = await _read(label, hidden=hidden)
        if line is None:
            return None
        values[value] = line
    return _answer(challenge, values)


def _prompts(challenge: Challenge) -> list[tuple[str, str, bool]]:
    """Name, label and secrecy of each thing to type."""
    match challenge.kind:
        case ChallengeKind.CHOICE:
            return [("choice", f"Choice ({'/'.join(challenge.choices)})", False)]
        case ChallengeKind.CONFIRM:
            return [("confirm", "Confirm (yes/no)", False)]
        case ChallengeKind.REDIRECT:
            return [("redirect", "Address it came back to", False)]
    return [(field.name, field.label, field.type is FieldType.PASSWORD) for field in challenge.fields]


def _kept(image: bytes) -> str:
    """Where the picture is to be looked at."""
    with tempfile.NamedTemporaryFile(prefix="afflux-", suffix=".png", delete=False) as file:
        file.write(image)
    return file.name


async def _read(label: str, *, hidden: bool) -> str | None:
    """One line that is typed; None at the end of the input. The event loop, with its worker, goes on meanwhile."""
    if sys.stdin is None or sys.stdin.closed:
        return None
    err.print(f"{safe(label)}: ", end="", soft_wrap=True)
    fd = sys.stdin.fileno()
    with _hidden(fd, wanted=hidden and sys.stdin.isatty()):
        return await _line(fd)


async def _line(fd: int) -> str | None:
    """Byte by byte, so that nothing of the next line is taken."""
    taken = b""
    while not taken.endswith(b"\n"):
        await _readable(fd)
        byte = os.read(fd, 1)
        if not byte:
            return taken.decode(errors="replace") if taken else None
        taken += byte
    return taken.decode(errors="replace").rstrip("\r\n")


async def _readable(fd: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(fd, ready.set)
    except PermissionError:
        return  # A plain file, which is always readable.
    try:
        await ready.wait()
    finally:
        loop.remove_reader(fd)


@contextmanager
def _hidden(fd: int, *, wanted: bool) -> Iterator[None]:
    """Nothing that is typed is shown."""
    if not wanted:
        yield
        return
    before = termios.tcgetattr(fd)
    silent = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(fd, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
        err.print()
