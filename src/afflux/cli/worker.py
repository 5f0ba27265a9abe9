"""`afflux worker`: one worker process."""

import typer

from afflux.access import connection_of
from afflux.cli.options import Data, Json, run, settings
from afflux.cli.parts import log_to_stderr
from afflux.config import Settings
from afflux.runtime import open_runtime
from afflux.supervisor import end_with_supervisor, stopped_by_signal
from afflux.worker import Worker, collect_less


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("worker")(worker_command)


def worker_command(data: Data = None, json: Json = False) -> None:
    """Run one worker beside a running server or on AFFLUX_DATABASE_URL."""
    end_with_supervisor()
    chosen = settings(data)
    log_to_stderr(chosen)
    collect_less()
    run(_work(chosen))


async def _work(chosen: Settings) -> None:
    stop = stopped_by_signal()
    async with open_runtime(chosen, *connection_of(chosen)) as runtime:
        await Worker(runtime).run(stop)
