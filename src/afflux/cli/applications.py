"""`afflux app`: applications, our tenants."""

from pathlib import Path
from typing import Annotated

import typer

from afflux.cli.contracts import digime_command
from afflux.cli.options import Data, Json, Name, emit, run, safe, say, settings, typed
from afflux.domain.errors import InvalidInput
from afflux.local import command_runtime
from afflux.services import applications, issuers
from afflux.services.applications import Credentials
from afflux.store import applications as store

_group = typer.Typer(help="Applications: the integrators this server works for.", no_args_is_help=True)

Psd2 = Annotated[bool, typer.Option("--psd2", help="It may create and edit connections itself (PSD2-compliant).")]
RedirectUris = Annotated[
    list[str] | None,
    typer.Option(
        "--redirect-uri", metavar="URI", help="Where a browser may return to; repeat for several.", show_default=False
    ),
]


def add_to(cli: typer.Typer) -> None:
    """Add these commands."""
    _group.command("create")(create_command)
    _group.command("d1")(d1_command)
    _group.command("digime")(digime_command)
    cli.add_typer(_group, name="app")


def create_command(
    name: Name, psd2: Psd2 = False, redirect_uri: RedirectUris = None, data: Data = None, json: Json = False
) -> None:
    """Create an application and print what it presents itself with. The secrets are shown once."""
    credentials = run(_create(data, name, psd2, redirect_uri or []))
    value = {
        "application": name,
        "iswigo": {"app": credentials.iswigo_app, "secret": credentials.iswigo_secret},
        "oxlin": {"client_id": credentials.oxlin_client_id, "client_secret": credentials.oxlin_client_secret},
    }
    emit(json, value, lambda: _show(name, credentials))


async def _create(data: Data, name: str, psd2: bool, redirect_uris: list[str]) -> Credentials:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        _, credentials = await applications.create(tx, runtime.vault, name, psd2=psd2, redirect_uris=redirect_uris)
        return credentials


def _show(name: str, credentials: Credentials) -> None:
    say(f"Application [bold]{name}[/bold]. Keep these secrets: they are not shown again.")
    say(f"  Iswigo  app            {credentials.iswigo_app}")
    say(f"          secret         {credentials.iswigo_secret}")
    say(f"  Oxlin   client_id      {credentials.oxlin_client_id}")
    say(f"          client_secret  {credentials.oxlin_client_secret}")


def d1_command(
    name: Name,
    issuer_id: Annotated[
        str, typer.Option("--issuer-id", metavar="ID", help="Its issuer id: 10 characters.", show_default=False)
    ],
    kid: Annotated[str, typer.Option("--kid", metavar="KID", help="What the key is called.", show_default=False)],
    public_key: Annotated[
        Path, typer.Option("--public-key", metavar="FILE", help="ES256 public key, PEM.", show_default=False)
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Let an application call Thales D1 as an issuer. Run it again to add or replace a key."""
    run(_register_issuer(data, name, issuer_id, kid, _read(public_key)))
    emit(json, {"issuer_id": issuer_id, "kid": kid}, lambda: say(f"Issuer [bold]{issuer_id}[/bold]  key {safe(kid)}"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from None


async def _register_issuer(data: Data, name: str, issuer_id: str, kid: str, pem: bytes) -> None:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        await issuers.register(tx, await store.by_name(tx, typed(name)), issuer_id, kid, pem)
