"""`afflux serve`, and its parts for several machines."""

import logging
from typing import Annotated

import typer

from afflux.app import run_api
from afflux.cli.options import Data, Json, print_json, run, settings
from afflux.config import Settings
from afflux.local import connection_of
from afflux.runtime import open_runtime
from afflux.serve import serve, stopped_by_signal
from afflux.supervisor import end_with_supervisor
from afflux.worker import Worker

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def add_to(cli: typer.Typer) -> None:
    """Add these commands."""
    cli.command("serve")(serve_command)
    cli.command("api")(api_command)
    cli.command("worker")(worker_command)


def serve_command(data: Data = None, host: Host = "127.0.0.1", port: Port = 8080, json: Json = False) -> None:
    """Run everything: the embedded PostgreSQL (unless AFFLUX_DATABASE_URL is set), one API process and one worker.

    Prints one line `ready http://HOST:PORT` when it answers. SIGTERM or
    Ctrl-C ends it cleanly.
    """
    _log_to_stderr(settings(data))

    def say(line: str) -> None:
        print_json({"ready": line.removeprefix("ready ")}) if json else print(line, flush=True)

    run(serve(settings(data), host, port, say))


def api_command(data: Data = None, host: Host = "127.0.0.1", port: Port = 8080, json: Json = False) -> None:
    """Run one API process beside a running server or on AFFLUX_DATABASE_URL."""
    end_with_supervisor()
    chosen = settings(data)
    _log_to_stderr(chosen)
    run(run_api(chosen, *connection_of(chosen), host, port))


def worker_command(data: Data = None, json: Json = False) -> None:
    """Run one worker beside a running server or on AFFLUX_DATABASE_URL."""
    end_with_supervisor()
    chosen = settings(data)
    _log_to_stderr(chosen)
    run(_work(chosen))


async def _work(chosen: Settings) -> None:
    stop = stopped_by_signal()
    async with open_runtime(chosen, *connection_of(chosen)) as runtime:
        await Worker(runtime).run(stop)


def _log_to_stderr(chosen: Settings) -> None:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("afflux").setLevel(logging.INFO)
    # The queue logs what jobs raise; ours raise nothing, and what is left is said by our own worker.
    logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)
    if chosen.clock_offset:
        logging.getLogger("afflux").warning(
            "THE CLOCK IS MOVED by %d seconds (AFFLUX_CLOCK_OFFSET)", chosen.clock_offset
        )
