"""`afflux keys`: the server's own keys."""

import typer

from afflux.cli.options import Data, Json, emit, run, say, settings
from afflux.local import command_runtime
from afflux.services.keyring import Keyring

_group = typer.Typer(help="The keys that this server signs tokens with.", no_args_is_help=True)


def add_to(cli: typer.Typer) -> None:
    """Add these commands."""
    _group.command("rotate")(rotate_command)
    cli.add_typer(_group, name="keys")


@_group.callback()
def _many() -> None:
    """The keys that this server signs tokens with."""


def rotate_command(data: Data = None, json: Json = False) -> None:
    """Sign with a new key from now on. What the old one signed stays good for as long as it says."""
    key_id = run(_rotate(data))
    emit(json, {"kid": key_id}, lambda: say(f"New key [bold]{key_id}[/bold]; it signs in ten seconds."))


async def _rotate(data: Data) -> str:
    async with command_runtime(settings(data)) as runtime:
        return await Keyring(runtime.database, runtime.vault).rotate()
