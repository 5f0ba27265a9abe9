"""`afflux demo`: the main job before your eyes; what `make run` shows."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path
from typing import Annotated, Any

import typer

from afflux.cli.options import Data, Json, operator, out, print_json, run, safe, say, settings
from afflux.cli.statements import import_one, known_or_new, show_imported
from afflux.cli.synchronise import outcome, summary, watch
from afflux.cli.tables import accounts_table, documents_table, events_table, transactions_table
from afflux.config import Settings
from afflux.domain.applications import Application
from afflux.domain.challenges import Answer, Challenge
from afflux.domain.connections import Connection
from afflux.domain.errors import AffluxError, Conflict
from afflux.domain.syncs import Sync, SyncKind
from afflux.domain.users import User
from afflux.local import command_runtime
from afflux.runtime import Runtime
from afflux.services import applications, connections
from afflux.store import accounts, documents, events, transactions
from afflux.store import applications as application_store
from afflux.store import connections as connection_store

NAME, EMAIL = "demo", "ada@example.org"
#: Provider, channel and login of what the demonstration links; see docs/reference/sandbox-bank.md.
_LINKS = ((999, 99900, "123456789", "123456"), (1006, 100600, EMAIL, "any"))
_CODE = "1234"


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("demo")(demo_command)


def demo_command(
    data: Data = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of the server.")] = 8080,
    statement: Annotated[
        Path | None,
        typer.Option("--statement", metavar="FILE", help="A statement file to import as well.", show_default=False),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="End the server when all was shown.")] = False,
    json: Json = False,
) -> None:
    """Start the server and show the main job.

    An application, a user, two providers, a sync with its SMS code, and a
    statement file where one is given.
    """
    run(_demo(settings(data), port, statement, once=once, json=json))


async def _demo(chosen: Settings, port: int, statement: Path | None, *, once: bool, json: bool) -> None:
    server, url = await _start(chosen, port)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _stop, server)
    try:
        async with command_runtime(chosen) as runtime:
            await _show(runtime, statement, json=json)
        if not json:
            _print_urls(url)
    except BaseException:
        once = True
        raise
    finally:
        if once:
            _stop(server)
        await server.wait()


def _stop(server: Process) -> None:
    if server.returncode is None:
        server.terminate()


async def _start(chosen: Settings, port: int) -> tuple[Process, str]:
    """The server as a process of its own, and its URL once it is ready."""
    command = [sys.executable, "-m", "afflux", "serve", "--data", str(chosen.data), "--port", str(port)]
    server = await asyncio.create_subprocess_exec(*command, stdout=PIPE, env=dict(os.environ), start_new_session=True)
    assert server.stdout is not None  # noqa: S101 - asked for
    line = (await server.stdout.readline()).decode().strip()
    if not line.startswith("ready "):
        await server.wait()
        raise AffluxError("the server did not start")
    return server, line.removeprefix("ready ")


async def _show(runtime: Runtime, statement: Path | None, *, json: bool) -> None:
    application, user = await _cast(runtime, quiet=json)
    synced = await watch(
        runtime,
        operator(application, user),
        await _links(runtime, application, user),
        SyncKind.ALL,
        _silent if json else _reply,
        live=not json,
    )
    imported = None
    if statement is not None:
        content = await asyncio.to_thread(statement.read_bytes)
        imported = {"file": str(statement)} | await import_one(runtime, application, user, statement.name, content)
    if json:
        print_json({"syncs": [outcome(sync) for sync in synced], "import": imported})
    else:
        await _print_tables(runtime, application, user, synced, imported)


async def _cast(runtime: Runtime, *, quiet: bool) -> tuple[Application, User]:
    """The application and its user, made the first time."""
    try:
        async with runtime.database.transaction() as tx:
            _, credentials = await applications.create(tx, runtime.vault, NAME, psd2=True)
        if not quiet:
            say(f"Application [bold]{NAME}[/bold]: Iswigo secret {credentials.iswigo_secret}")
    except Conflict:
        async with runtime.database.transaction() as tx:
            await application_store.by_name(tx, NAME)
    return await known_or_new(runtime, NAME, EMAIL)


async def _links(runtime: Runtime, application: Application, user: User) -> list[Connection]:
    """The user's sandbox connections, made the first time."""
    principal = operator(application, user)
    async with runtime.database.transaction() as tx:
        held = {each.provider_id: each for each in await connection_store.of_user(tx, application.id, user.id)}
        for provider, channel, login, password in _LINKS:
            if provider not in held:
                typed = {channel: {"login": login, "password": password}}
                held[provider] = await connections.create(
                    tx, runtime.vault, runtime.registry, principal, user, provider, typed
                )
    return [held[provider] for provider, *_ in _LINKS]


async def _reply(name: str, challenge: Challenge) -> Answer:
    """What the user would do with the SMS."""
    field = challenge.fields[0]
    say(f"{safe(name)} asks: [bold]{safe(field.label)}[/bold]. Ada's phone shows {_CODE}; she types it.")
    return Answer(values={field.name: _CODE})


async def _silent(name: str, challenge: Challenge) -> Answer:
    """The same without a word."""
    return Answer(values={challenge.fields[0].name: _CODE})


async def _print_tables(
    runtime: Runtime, application: Application, user: User, synced: list[Sync], imported: dict[str, Any] | None
) -> None:
    async with runtime.database.transaction() as tx:
        held = await accounts.of_user(tx, application.id, user.id)
        rows = [
            row
            for account in held
            for row in await transactions.of_account(tx, application.id, user.id, account.id, limit=8)
        ]
        papers = await documents.of_user(tx, application.id, user.id)
        last = await events.last_position(tx.connection, application.id)
        log = await events.after(tx.connection, application.id, max(0, last - 12), 12)
    for sync in synced:
        say(f"Sync {sync.id}: [bold]{sync.status}[/bold]  {safe(summary(sync))}")
    if imported is not None:
        show_imported([imported])
    for title, table in (
        ("Accounts", accounts_table(held, out.width)),
        ("Transactions (up to 8 of each account)", transactions_table(rows, {each.id: each.name for each in held})),
        ("Documents", documents_table(papers, out.width)),
        ("The last events", events_table(log)),
    ):
        out.print(f"\n[bold underline]{title}[/bold underline]")
        out.print(table)


def _print_urls(url: str) -> None:
    out.print(f"\nAfflux is up. Ctrl-C ends it.\n  {url}/docs   {url}/health   {url}/ready   {url}/metrics")
    out.print(
        "Try in another terminal: [bold].venv/bin/afflux transactions demo --user ada@example.org --data data[/bold]"
    )
