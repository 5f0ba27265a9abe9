"""`afflux sandbox`: the sandbox bank's clock."""

from datetime import date, timedelta
from typing import Annotated

import typer

from afflux.cli.options import Data, Json, emit, run, say, settings
from afflux.local import command_runtime
from afflux.store import catalogue

_group = typer.Typer(help="The sandbox bank.", no_args_is_help=True)


def add_to(cli: typer.Typer) -> None:
    """Add these commands."""
    _group.command("advance")(advance_command)
    cli.add_typer(_group, name="sandbox")


def advance_command(
    days: Annotated[
        int, typer.Option("--days", metavar="N", min=0, max=36_500, help="Days to move on.", show_default=False)
    ],
    data: Data = None,
    json: Json = False,
) -> None:
    """Move the sandbox bank's clock on and print its new date. Our own clock stays."""
    today = run(_advance(data, days))
    emit(json, {"date": today}, lambda: say(f"The sandbox bank's date is {today}"))


async def _advance(data: Data, days: int) -> date:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        ahead = await catalogue.advance(tx, "sandbox", days)
        return (tx.now + timedelta(days=ahead)).date()
