"""`afflux accounts`, `transactions`, `documents` and `events`: what there is."""

from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
from typer.core import TyperGroup

from afflux.cli.options import Data, Json, Name, UserOption, emit, find_user, out, run, safe, say, settings, typed
from afflux.cli.tables import accounts_table, documents_table, events_table, shown, transactions_table
from afflux.domain.accounts import Account, Document, Transaction
from afflux.domain.errors import AffluxError
from afflux.domain.events import Event
from afflux.local import command_runtime
from afflux.services import documents as contents
from afflux.store import accounts, applications, documents, events, transactions

Limit = Annotated[int, typer.Option("--limit", metavar="N", min=1, max=100_000, help="At most so many.")]


class _ListByDefault(TyperGroup):
    """`documents NAME` lists; `documents get …` is the sub-command."""

    def resolve_command(self, ctx, args):  # type: ignore[no-untyped-def]
        return super().resolve_command(ctx, args if args and args[0] in self.commands else ["list", *args])


_documents = typer.Typer(
    cls=_ListByDefault,
    help="List a user's documents (`documents NAME --user E`), or get one.",
    context_settings={"ignore_unknown_options": True},
    no_args_is_help=True,
)


def add_to(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.command("accounts")(accounts_command)
    cli.command("transactions")(transactions_command)
    _documents.command("list")(documents_command)
    _documents.command("get")(get_command)
    cli.add_typer(_documents, name="documents")
    cli.command("events")(events_command)


def accounts_command(name: Name, user: UserOption, data: Data = None, json: Json = False) -> None:
    """List a user's accounts."""
    held = run(_accounts(data, name, user))
    emit(json, [shown(account) for account in held], lambda: out.print(accounts_table(held, out.width)))


async def _accounts(data: Data, name: str, email: str) -> list[Account]:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application, user = await find_user(tx, name, email)
        return await accounts.of_user(tx, application.id, user.id)


def transactions_command(
    name: Name,
    user: UserOption,
    account: Annotated[
        UUID | None, typer.Option("--account", metavar="ID", help="Only this one.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many of each account.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """List a user's transactions, account by account, newest first."""
    held, rows = run(_transactions(data, name, user, account, limit))
    names = {each.id: each.name for each in held}
    emit(json, [shown(row) for row in rows], lambda: out.print(transactions_table(rows, names)))


async def _transactions(
    data: Data, name: str, email: str, only: UUID | None, limit: int | None
) -> tuple[list[Account], list[Transaction]]:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application, user = await find_user(tx, name, email)
        if only is not None:
            held = [await accounts.by_id(tx, application.id, user.id, only)]
        else:
            held = await accounts.of_user(tx, application.id, user.id)
        rows = [
            row
            for account in held
            for row in await transactions.of_account(tx, application.id, user.id, account.id, limit=limit)
        ]
        return held, rows


def documents_command(name: Name, user: UserOption, data: Data = None, json: Json = False) -> None:
    """List a user's documents, newest first."""
    held = run(_list_documents(data, name, user))
    emit(json, [shown(document) for document in held], lambda: out.print(documents_table(held, out.width)))


async def _list_documents(data: Data, name: str, email: str) -> list[Document]:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application, user = await find_user(tx, name, email)
        return await documents.of_user(tx, application.id, user.id)


def get_command(
    name: Name,
    document: Annotated[UUID, typer.Argument(metavar="ID", help="The document.", show_default=False)],
    user: UserOption,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Where to; otherwise its own name, if that is free.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write a document to a file."""
    found, content = run(_get(data, name, user, document))
    target = output or Path(_safe_name(found))
    _write(target, content, replace=output is not None)
    value = {"file": str(target), **shown(found)}
    emit(json, value, lambda: say(f"{safe(target)}  {len(content)} bytes"))


def _write(target: Path, content: bytes, *, replace: bool) -> None:
    try:
        with target.open("wb" if replace else "xb") as file:
            file.write(content)
    except FileExistsError:
        raise AffluxError(f"{target} exists already; say with --output where to write") from None
    except OSError as error:
        raise AffluxError(f"{target}: {error.strerror}") from None


def _safe_name(document: Document) -> str:
    """A name for the current folder, whatever the provider calls it."""
    name, extension = (
        "".join(letter if letter.isalnum() or letter in " ._-" else "_" for letter in part).strip(". ")[:100]
        for part in (document.name, document.extension)
    )
    return f"{name or 'document'}.{extension or 'bin'}"


async def _get(data: Data, name: str, email: str, document_id: UUID) -> tuple[Document, bytes]:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application, user = await find_user(tx, name, email)
        document = await documents.by_id(tx, application.id, user.id, document_id)
        return document, await contents.content(tx, runtime.vault, user, document)


def events_command(
    name: Name,
    after: Annotated[int, typer.Option("--after", metavar="POSITION", min=0, help="Only later ones.")] = 0,
    limit: Limit = 100,
    data: Data = None,
    json: Json = False,
) -> None:
    """List an application's events in order, each with its position."""
    held = run(_events(data, name, after, limit))
    emit(json, [shown(event) for event in held], lambda: out.print(events_table(held)))


async def _events(data: Data, name: str, after: int, limit: int) -> list[Event]:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application = await applications.by_name(tx, typed(name))
        return await events.after(tx.connection, application.id, after, limit)
