"""`afflux audit`: whether the records of acts on users are as they were written."""

import typer

from afflux.cli.options import Data, Json, emit, err, run, safe, say, settings
from afflux.local import command_runtime
from afflux.store import chain

_group = typer.Typer(help="Records of acts on users.", no_args_is_help=True)


def add_to(cli: typer.Typer) -> None:
    """Add these commands."""
    _group.command("verify")(verify_command)
    cli.add_typer(_group, name="audit")


@_group.callback()
def _many() -> None:
    """Records of acts on users."""


def verify_command(data: Data = None, json: Json = False) -> None:
    """Look for edits and gaps in the records of all applications. Exits with 1 when there are any."""
    records, problems = run(_verify(data))

    def show() -> None:
        say(f"{records} records checked: {f'{len(problems)} problems' if problems else 'nothing was changed'}.")
        for problem in problems:
            err.print(safe(problem), soft_wrap=True)

    emit(json, {"records": records, "problems": problems}, show)
    raise typer.Exit(1 if problems else 0)


async def _verify(data: Data) -> tuple[int, list[str]]:
    async with command_runtime(settings(data)) as runtime, runtime.database.transaction() as tx:
        return await chain.verify(tx.connection, tx.audit_key)
