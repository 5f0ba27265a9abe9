"""`afflux app digime`: contracts of an application."""

from pathlib import Path
from typing import Annotated, Any

import typer

from afflux.cli.options import Data, Json, Name, emit, run, safe, say, settings, typed
from afflux.domain.contracts import ContractKind
from afflux.domain.errors import InvalidInput
from afflux.local import command_runtime
from afflux.services import contracts
from afflux.store import applications as store
from afflux.web import strict_json


def digime_command(
    name: Name,
    application_id: Annotated[
        str, typer.Option("--application-id", metavar="ID", help="Its id: letters and digits.", show_default=False)
    ],
    contract_id: Annotated[
        str, typer.Option("--contract-id", metavar="ID", help="The contract's id.", show_default=False)
    ],
    kind: Annotated[ContractKind, typer.Option("--kind", help="What it is for.", show_default=False)],
    public_key: Annotated[
        Path, typer.Option("--public-key", metavar="FILE", help="RSA public key of 2048 bits, PEM.", show_default=False)
    ],
    redirect_uri: Annotated[
        list[str],
        typer.Option(
            "--redirect-uri", metavar="URI", help="Where a browser may return to; repeat for several.",
            show_default=False,
        ),
    ],
    scope: Annotated[
        Path | None, typer.Option("--scope", metavar="FILE", help="The most it may read, JSON.", show_default=False)
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:  # fmt: skip
    """Let an application use digi.me by a contract."""
    limits = {} if scope is None else _scope(_read(scope))
    ids = (typed(application_id), typed(contract_id))
    client_id = run(_register(data, name, ids, kind, _read(public_key), redirect_uri, limits))
    emit(json, {"client_id": client_id}, lambda: say(f"Contract [bold]{safe(client_id)}[/bold]"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from None


def _scope(text: bytes) -> dict[str, Any]:
    try:
        scope = strict_json.decode(text)
    except strict_json.MalformedJson as error:
        raise InvalidInput(f"the scope is no JSON: {error}") from None
    if not isinstance(scope, dict):
        raise InvalidInput("the scope is no JSON object")
    return scope


async def _register(
    data: Data,
    name: str,
    ids: tuple[str, str],
    kind: ContractKind,
    public_key: bytes,
    redirect_uris: list[str],
    scope: dict[str, Any],
) -> str:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        application = await store.by_name(tx, typed(name))
        return await contracts.register(tx, application, *ids, kind, public_key, redirect_uris, scope)
