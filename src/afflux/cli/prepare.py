"""`afflux prepare`: what `afflux serve` lets a process of its own do, which takes its memory with it when it ends."""

import typer

from afflux.access import connection_of
from afflux.cli.options import Data, Json, run, settings
from afflux.cli.parts import log_to_stderr
from afflux.config import Settings
from afflux.prepare import apply_ledger, prepare


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("prepare")(prepare_command)


def prepare_command(data: Data = None, json: Json = False) -> None:
    """Bring the database to this version: its tables, the providers, who was erased. `serve` does it by itself."""
    chosen = settings(data)
    log_to_stderr(chosen)
    run(_prepare(chosen))


async def _prepare(chosen: Settings) -> None:
    await prepare(chosen, *connection_of(chosen))
    await apply_ledger(chosen, *connection_of(chosen))
