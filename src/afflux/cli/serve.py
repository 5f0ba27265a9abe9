"""`afflux serve`: the whole server."""

import typer

from afflux.cli.options import Data, Json, print_json, run, settings
from afflux.cli.parts import Host, Port, log_to_stderr
from afflux.serve import serve


def add_to(cli: typer.Typer) -> None:
    """Add this command."""
    cli.command("serve")(serve_command)


def serve_command(data: Data = None, host: Host = "127.0.0.1", port: Port = 8080, json: Json = False) -> None:
    """Run everything: the embedded PostgreSQL (unless AFFLUX_DATABASE_URL is set), one API process and one worker.

    Prints one line `ready http://HOST:PORT` when it answers. SIGTERM or
    Ctrl-C ends it cleanly.
    """
    log_to_stderr(settings(data))

    def say(line: str) -> None:
        print_json({"ready": line.removeprefix("ready ")}) if json else print(line, flush=True)

    run(serve(settings(data), host, port, say))
