"""`afflux import`: statement files."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from afflux.cli.options import (
    Data,
    Json,
    Name,
    UserOption,
    emit,
    err,
    find_user,
    operator,
    run,
    safe,
    say,
    settings,
    typed,
)
from afflux.domain.applications import Application
from afflux.domain.errors import AffluxError, Conflict, InvalidInput, NotFound
from afflux.domain.uploads import Upload, UploadStatus
from afflux.domain.users import User
from afflux.local import command_runtime
from afflux.runtime import Runtime
from afflux.services import uploads, users
from afflux.store import applications
from afflux.store import syncs as sync_store
from afflux.store import uploads as store

#: Seconds between two looks at a file that is being read, and after which somebody who waits is told so.
_LOOK, _PATIENCE = 0.05, 10.0


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("import")(import_command)


def import_command(
    name: Name,
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="Statement files, any format.", show_default=False)
    ],
    user: UserOption,
    mapping: Annotated[
        Path | None,
        typer.Option("--mapping", metavar="FILE", help="How to read CSV columns (JSON).", show_default=False),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Import statement files (CAMT, MT940/942, OFX, QIF, CSV) for a user.

    The user is made where there is none yet. A file that cannot be read
    stores nothing; the others go on. Exits with 1 when one was not read.
    """
    read = [(path, _bytes(path)) for path in files]
    results = run(_import(data, name, user, read, _text(mapping) if mapping else None))
    emit(json, results, lambda: show_imported(results))
    if failed := [result for result in results if result["error"]]:
        for result in failed:
            err.print(f"afflux: {safe(result['file'])}: {safe(result['error'])}", soft_wrap=True)
        raise typer.Exit(1)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AffluxError(f"{path}: {error.strerror}") from None


def _text(path: Path) -> str:
    try:
        return _bytes(path).decode()
    except UnicodeDecodeError:
        raise InvalidInput(f"{path}: is not UTF-8 text") from None


async def _import(
    data: Data, name: str, email: str, files: list[tuple[Path, bytes]], mapping: str | None
) -> list[dict[str, Any]]:
    async with command_runtime(settings(data), work=True) as runtime:
        application, user = await known_or_new(runtime, name, email)
        return [
            {"file": str(path)} | await import_one(runtime, application, user, path.name, content, mapping)
            for path, content in files
        ]


async def known_or_new(runtime: Runtime, name: str, email: str) -> tuple[Application, User]:
    """The application's user with this e-mail or id; made where there is none with this e-mail."""
    try:
        async with runtime.database.transaction() as tx:
            application = await applications.by_name(tx, typed(name))
            return await find_user(tx, name, email)
    except NotFound:
        if "@" not in email:
            raise
    with suppress(Conflict):  # Another import made the user in this very moment.
        await users.register(runtime.database, runtime.vault, operator(application), email=email)
    async with runtime.database.transaction() as tx:
        return await find_user(tx, name, email)


async def import_one(
    runtime: Runtime, application: Application, user: User, name: str, content: bytes, mapping: str | None = None
) -> dict[str, Any]:
    """Hand in one file and wait until it was read; what came of it."""
    try:
        async with runtime.database.transaction() as tx:
            upload_id = await uploads.hand_in(
                tx, runtime.vault, runtime.registry, operator(application, user), user, name, content, mapping
            )
    except InvalidInput as error:
        return _result(None, {}, str(error))
    upload = await _read(runtime, application, upload_id)
    return _result(upload.format, upload.result, upload.error)


async def _read(runtime: Runtime, application: Application, upload_id: UUID) -> Upload:
    """The upload, once it was read. Raises `AffluxError` when the sync that should have read it ended without."""
    impatient_at = time.monotonic() + _PATIENCE
    while True:
        async with runtime.database.transaction() as tx:
            upload = await store.by_id(tx, application.id, upload_id)
            (sync,) = await sync_store.latest(tx, application.id, [upload.connection_id])
        if upload.status is not UploadStatus.WAITING:
            return upload
        if not sync.status.active:
            raise AffluxError(f"{upload.name} was not read: {sync.error_code or sync.status}")
        if sync.started_at is None and time.monotonic() > impatient_at:
            err.print("afflux: no worker has taken it yet; is one running?", soft_wrap=True)
            impatient_at = float("inf")
        await asyncio.sleep(_LOOK)


def _result(format: str | None, result: Mapping[str, Any], error: str | None) -> dict[str, Any]:
    counts = result.get("transactions", {"added": 0, "changed": 0, "removed": 0, "unchanged": 0})
    return {
        "format": format,
        "accounts": result.get("accounts", 0),
        "transactions": counts,
        "warnings": result.get("warnings", []),
        "error": error,
    }


def show_imported(results: list[dict[str, Any]]) -> None:
    """What came of each file, for people; failures are said elsewhere."""
    for result in results:
        if result["error"]:
            continue
        counts = ", ".join(f"{count} {what}" for what, count in result["transactions"].items())
        said = f"{safe(result['format'])}  accounts: {result['accounts']}; transactions: {counts}"
        say(f"[bold]{safe(result['file'])}[/bold]  {said}")
        for warning in result["warnings"]:
            say(f"  [yellow]{safe(warning['code'])}[/yellow] {safe(warning['text'])}")
