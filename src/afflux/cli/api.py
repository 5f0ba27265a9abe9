"""`afflux api`: one API process."""

import typer
import uvloop

from afflux.access import connection_of
from afflux.app import run_api
from afflux.cli.options import Data, Json, run, settings
from afflux.cli.parts import Host, Port, log_to_stderr
from afflux.supervisor import end_with_supervisor


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("api")(api_command)


def api_command(data: Data = None, host: Host = "127.0.0.1", port: Port = 8080, json: Json = False) -> None:
    """Run one API process beside a running server or on AFFLUX_DATABASE_URL."""
    end_with_supervisor()
    chosen = settings(data)
    log_to_stderr(chosen)
    # It answers a fifth more requests than asyncio's own loop.
    run(run_api(chosen, *connection_of(chosen), host, port), uvloop.new_event_loop)
