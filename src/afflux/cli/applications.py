"""`afflux app`: applications, our tenants."""

from typing import Annotated

import typer

from afflux.cli.options import Data, Json, Name, emit, run, say, settings
from afflux.local import command_runtime
from afflux.services import applications
from afflux.services.applications import Credentials

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
