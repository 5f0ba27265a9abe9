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

from afflux.config import Settings, load
from afflux.domain.applications import Application
from afflux.domain.errors import NotFound
from afflux.domain.principal import Principal, Role
from afflux.domain.users import User
from afflux.store import applications, users
from afflux.store.database import Tx

T = TypeVar("T")

cli = typer.Typer(
    name="afflux",
    help="Account-data aggregation server: one core, many dialects.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Data = Annotated[
    Path | None,
    typer.Option("--data", help="Data folder. [default: $AFFLUX_DATA, or ~/.local/share/afflux]", show_default=False),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value and nothing else.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="The application.", show_default=False)]
UserOption = Annotated[
    str, typer.Option("--user", metavar="E", help="The user: login e-mail or id.", show_default=False)
]

#: For people; results go to standard output, everything else to standard error.
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def settings(data: Path | None) -> Settings:
    """Settings with the command line's wishes."""
    return load(data=data)


def run(program: Coroutine[Any, Any, T]) -> T:
    """Run a command's coroutine."""
    return asyncio.run(program)


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


async def find_user(tx: Tx, name: str, user: str) -> tuple[Application, User]:
    """An application by name and one of its users by e-mail or id. Raises `NotFound`."""
    application = await applications.by_name(tx, name)
    found = await users.by_email(tx, application.id, user)
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
