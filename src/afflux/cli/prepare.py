"""`afflux prepare`: what `afflux serve` lets a process of its own do, which takes its memory with it when it ends."""

import typer

from afflux.access import connection_of
from afflux.cli.options import Data, Json, run, settings
from afflux.cli.parts import log_to_stderr
from afflux.prepare import prepare


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("prepare")(prepare_command)


def prepare_command(data: Data = None, json: Json = False) -> None:
    """Bring the database to this version: its tables, and the catalogue of providers. `serve` does it by itself."""
    chosen = settings(data)
    log_to_stderr(chosen)
    run(prepare(chosen, *connection_of(chosen)))
