"""`afflux import`: statement files."""

import asyncio
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from afflux.cli.options import Data, Json, Name, UserOption, emit, err, operator, out, run, settings
from afflux.domain.applications import Application
from afflux.domain.errors import AffluxError
from afflux.domain.uploads import Upload, UploadStatus
from afflux.domain.users import User
from afflux.local import command_runtime
from afflux.runtime import Runtime
from afflux.services import uploads, users
from afflux.store import applications
from afflux.store import uploads as store
from afflux.store import users as user_store

#: Seconds between two looks at a file that is being read.
_LOOK = 0.05


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
    """Import statement files (CAMT, MT940/942, OFX, QIF, CSV) for a user, who is made where there is none yet.

    A file that cannot be read stores nothing; the others go on. Exits with 1 when one could not be read.
    """
    read = [(path, _bytes(path)) for path in files]
    results = run(_import(data, name, user, read, _bytes(mapping).decode() if mapping else None))
    emit(json, results, lambda: _show(results))
    if failed := [result for result in results if result["error"]]:
        for result in failed:
            err.print(f"afflux: {result['file']}: {result['error']}", markup=False, soft_wrap=True)
        raise typer.Exit(1)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AffluxError(f"{path}: {error.strerror}") from None


async def _import(
    data: Data, name: str, email: str, files: list[tuple[Path, bytes]], mapping: str | None
) -> list[dict[str, Any]]:
    async with command_runtime(settings(data), work=True) as runtime:
        application, user = await known_or_new(runtime, name, email)
        return [
            await import_one(runtime, application, user, path.name, content, mapping) | {"file": str(path)}
            for path, content in files
        ]


async def known_or_new(runtime: Runtime, name: str, email: str) -> tuple[Application, User]:
    """The application's user with this e-mail, made where there is none."""
    async with runtime.database.transaction() as tx:
        application = await applications.by_name(tx, name)
        user = await user_store.by_email(tx, application.id, email)
    if user is None:
        user = await users.register(runtime.database, runtime.vault, operator(application), email=email)
    return application, user


async def import_one(
    runtime: Runtime, application: Application, user: User, name: str, content: bytes, mapping: str | None = None
) -> dict[str, Any]:
    """Hand in one file and wait until it was read; what came of it."""
    async with runtime.database.transaction() as tx:
        upload_id = await uploads.hand_in(
            tx, runtime.vault, runtime.registry, operator(application, user), user, name, content, mapping
        )
    return _result(await _read(runtime, application, upload_id))


async def _read(runtime: Runtime, application: Application, upload_id: UUID) -> Upload:
    while True:
        async with runtime.database.transaction() as tx:
            upload = await store.by_id(tx, application.id, upload_id)
        if upload.status is not UploadStatus.WAITING:
            return upload
        await asyncio.sleep(_LOOK)


def _result(upload: Upload) -> dict[str, Any]:
    counts = upload.result.get("transactions", {"added": 0, "changed": 0, "removed": 0, "unchanged": 0})
    return {
        "file": upload.name,
        "format": upload.format,
        "accounts": upload.result.get("accounts", 0),
        "transactions": counts,
        "warnings": upload.result.get("warnings", []),
        "error": upload.error,
    }


def _show(results: list[dict[str, Any]]) -> None:
    for result in results:
        if result["error"]:
            continue
        counts = ", ".join(f"{count} {what}" for what, count in result["transactions"].items())
        out.print(
            f"[bold]{result['file']}[/bold]  {result['format']}  {result['accounts']} accounts; transactions: {counts}"
        )
        for warning in result["warnings"]:
            out.print(f"  [yellow]{warning['code']}[/yellow] {warning['text']}")
