"""What all commands share: the options, how results are printed, and how a command becomes a program."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, TypeVar
from uuid import UUID

import msgspec
import typer
from rich.console import Console
from rich.markup import escape

from afflux.config import Settings, load
from afflux.domain.applications import Application
from afflux.domain.errors import AffluxError, InvalidInput, NotFound
from afflux.domain.principal import Principal, Role
from afflux.domain.users import User
from afflux.store import applications, users
from afflux.store.database import AWAY, Tx

T = TypeVar("T")

cli = typer.Typer(
    name="afflux",
    help="Account-data aggregation server: one core, many dialects.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@cli.callback()
def _many() -> None:
    """Account-data aggregation server: one core, many dialects."""


Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder. Default: $AFFLUX_DATA, or ~/.local/share/afflux.", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The application.", show_default=False)]
UserOption = Annotated[
    str, typer.Option("--user", metavar="E", help="The user: login e-mail or id.", show_default=False)
]

#: Columns of standard output that is no terminal: programs that read it want whole lines.
_PIPED = 1000

#: For people; results go to standard output, everything else to standard error.
out = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED)
err = Console(stderr=True, highlight=False)


def settings(data: Path | None) -> Settings:
    """Settings with the command line's wishes."""
    return load(data=data)


def run(program: Coroutine[Any, Any, T], loop: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run a command's coroutine on asyncio's own event loop, or on another. Raises `AffluxError` in place of what a
    database that cannot be used brings up.
    """
    try:
        with asyncio.Runner(loop_factory=loop) as runner:
            return runner.run(program)
    except Exception as error:
        if isinstance(error, AffluxError) or (reason := _refusal(error)) is None:
            raise
        raise AffluxError(f"cannot use the database: {reason}") from None


def _refusal(error: BaseException) -> str | None:
    """Why the database did not let us in, if that is what happened."""
    cause: BaseException | None = error
    while cause is not None:
        # Classes 28 and 3D of SQLSTATE: a wrong password, no such database.
        if isinstance(cause, AWAY) or str(getattr(cause, "sqlstate", ""))[:2] in ("28", "3D"):
            reason = cause.strerror if isinstance(cause, OSError) and cause.strerror else str(cause)
            return " ".join(reason.split()) or type(cause).__name__
        cause = cause.__cause__ or cause.__context__
    return None


def clean(value: object) -> str:
    """Somebody else's text for our terminal: one line, in which nothing is a command."""
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value))


def safe(value: object) -> str:
    """The same for a place where Rich reads markup."""
    return escape(clean(value))


def say(line: str) -> None:
    """One line for people, whole however narrow the terminal is."""
    out.print(line, soft_wrap=True)


def print_json(value: object) -> None:
    """One JSON value on standard output; money as exact decimals in strings."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(plain(value)), indent=2).decode() + "\n")


def plain(value: object) -> object:
    """A value as JSON knows it."""
    match value:
        case Decimal():
            return format(value, "f")
        case bytes():
            return value.hex()
        case UUID():
            return str(value)
        case datetime() | date():
            return value.isoformat()
        case dict():
            return {str(key): plain(inner) for key, inner in value.items()}
        case list() | tuple():
            return [plain(inner) for inner in value]
    return value


def typed(text: str) -> str:
    """An argument of the command line. Raises `InvalidInput` for bytes that are no text."""
    if not text.isprintable():
        raise InvalidInput(f"{text!r} is not text")
    return text


async def find_user(tx: Tx, name: str, user: str) -> tuple[Application, User]:
    """An application by name and one of its users by e-mail or id. Raises `NotFound`."""
    application = await applications.by_name(tx, typed(name))
    found = await users.by_email(tx, application.id, typed(user))
    if found is None:
        try:
            found = await users.by_id(tx, application.id, UUID(user))
        except (ValueError, NotFound):
            raise NotFound(f"application {name!r} has no user {user!r}") from None
    return application, found


def operator(application: Application, user: User | None = None) -> Principal:
    """Who the command line acts for."""
    return Principal(application.id, Role.OPERATOR, user.id if user else None)


def emit(as_json: bool, value: object, show: Callable[[], None]) -> None:
    """Print a result: as JSON, or for people."""
    if as_json:
        print_json(value)
    else:
        show()
