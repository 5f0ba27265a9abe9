"""`afflux user` and `afflux connect`: users, and the providers they link."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

import typer

from afflux.cli.options import Data, Json, Name, UserOption, emit, find_user, operator, run, safe, say, settings, typed
from afflux.domain.catalogue import Auth, Channel
from afflux.domain.connections import Connection
from afflux.domain.errors import InvalidInput
from afflux.domain.users import User
from afflux.local import command_runtime
from afflux.runtime import Runtime
from afflux.services import connections, erasure, suspension, users
from afflux.store import applications

_group = typer.Typer(help="Users of an application.", no_args_is_help=True)

Password = Annotated[str, typer.Option("--password", metavar="P", help="Password.", show_default=False)]
Reason = Annotated[str | None, typer.Option(help="Kept in the record; no personal data, please.", show_default=False)]
#: Suspends or resumes.
Change = Callable[..., Awaitable[None]]
Fields = Annotated[
    list[str] | None,
    typer.Option("--field", metavar="NAME=VALUE", help="A further field of the provider's form.", show_default=False),
]


def add_to(cli: typer.Typer) -> None:
    """Add these commands."""
    _group.command("add")(add_command)
    _group.command("erase")(erase_command)
    _group.command("suspend")(suspend_command)
    _group.command("resume")(resume_command)
    cli.add_typer(_group, name="user")
    cli.command("connect")(connect_command)


def add_command(
    name: Name,
    email: Annotated[str, typer.Option("--email", metavar="E", help="Login e-mail.", show_default=False)],
    password: Password,
    data: Data = None,
    json: Json = False,
) -> None:
    """Add a user to an application."""
    user = run(_add(data, name, email, password))
    value = {"user": user.id, "number": user.number, "email": user.email, "created_at": user.created_at}
    emit(json, value, lambda: say(f"User [bold]{safe(user.email)}[/bold]  {user.id}"))


async def _add(data: Data, name: str, email: str, password: str) -> User:
    async with command_runtime(settings(data)) as runtime:
        async with runtime.database.transaction() as tx:
            application = await applications.by_name(tx, typed(name))
        return await users.register(
            runtime.database, runtime.vault, operator(application), email=email, password=password
        )


def erase_command(
    name: Name,
    user: UserOption,
    preview: Annotated[bool, typer.Option("--preview", help="Only count what would go.")] = False,
    reason: Reason = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Erase a user: every row, every document and the user's key. Cannot be undone."""
    counts, operation_id = run(_erase(data, name, user, preview, reason))
    value: dict[str, Any] = {"counts": counts} | ({"operation": operation_id} if operation_id else {"preview": True})

    def show() -> None:
        for table, rows in counts.items():
            say(f"  {table:<22}{rows:>8}")
        say(f"Erased. Operation {operation_id}" if operation_id else "Nothing was erased: this is what would go.")

    emit(json, value, show)


async def _erase(
    data: Data, name: str, email: str, preview: bool, reason: str | None
) -> tuple[dict[str, int], UUID | None]:
    async with command_runtime(settings(data)) as runtime:
        async with runtime.database.transaction() as tx:
            application, user = await find_user(tx, name, email)
            if preview:
                return await erasure.preview(tx, application.id, user.id), None
        erased = await erasure.erase(runtime, operator(application), user.id, reason=reason)
        return dict(erased.counts), erased.id


def suspend_command(name: Name, user: UserOption, reason: Reason = None, data: Data = None, json: Json = False) -> None:
    """Suspend a user: nothing is synchronised any more; what is held can still be read."""
    run(_change(data, name, user, suspension.suspend, reason))
    emit(json, {"suspended": True}, lambda: say("Suspended."))


def resume_command(name: Name, user: UserOption, reason: Reason = None, data: Data = None, json: Json = False) -> None:
    """Let a suspended user be synchronised again."""
    run(_change(data, name, user, suspension.resume, reason))
    emit(json, {"suspended": False}, lambda: say("Resumed."))


async def _change(data: Data, name: str, email: str, change: Change, reason: str | None) -> None:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application, user = await find_user(tx, name, email)
        await change(tx, operator(application), user, reason=reason)


def connect_command(
    name: Name,
    user: UserOption,
    provider: Annotated[int, typer.Option("--provider", metavar="ID", help="The provider.", show_default=False)],
    login: Annotated[str | None, typer.Option("--login", metavar="L", help="Login there.", show_default=False)] = None,
    password: Annotated[
        str | None, typer.Option("--password", metavar="P", help="Password there.", show_default=False)
    ] = None,
    field: Fields = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Link a user to a provider. `afflux sync` then fetches the data."""
    form = {key: value for key, value in (("login", login), ("password", password)) if value is not None}
    connection = run(_connect(data, name, user, provider, form | _fields(field or [])))
    value = {
        "connection": connection.id,
        "number": connection.number,
        "provider": connection.provider_id,
        "name": connection.name,
        "login": connection.login_mask,
        "created_at": connection.created_at,
    }
    emit(json, value, lambda: say(f"Connection [bold]{safe(connection.name)}[/bold]  {connection.id}"))


def _fields(pairs: list[str]) -> dict[str, str]:
    if wrong := [pair for pair in pairs if "=" not in pair]:
        raise InvalidInput(f"--field {wrong[0]!r} is not NAME=VALUE")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}


async def _connect(data: Data, name: str, email: str, provider_id: int, form: dict[str, str]) -> Connection:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application, user = await find_user(tx, name, email)
        principal = operator(application, user)
        channel = _typed_channel(runtime, provider_id)
        return await connections.create(
            tx, runtime.vault, runtime.registry, principal, user, provider_id, {channel.id: form}
        )


def _typed_channel(runtime: Runtime, provider_id: int) -> Channel:
    """The provider's channel that takes what is typed."""
    for channel in runtime.registry.provider(provider_id).channels:
        if channel.auth is Auth.CREDENTIALS:
            return channel
    raise InvalidInput(f"provider {provider_id} is not linked by typing a login")
