"""What the commands that run a process share."""

import logging
from typing import Annotated

import typer

from afflux.config import Settings

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")]


def log_to_stderr(chosen: Settings) -> None:
    """Let this process say what happens to it."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("afflux").setLevel(logging.INFO)
    # The queue logs what jobs raise; ours raise nothing, and what is left is said by our own worker.
    logging.getLogger("pgqueuer").setLevel(logging.CRITICAL)
    if chosen.clock_offset:
        logging.getLogger("afflux").warning(
            "THE CLOCK IS MOVED by %d seconds (AFFLUX_CLOCK_OFFSET)", chosen.clock_offset
        )
