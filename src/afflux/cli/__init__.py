"""The command `afflux`: one module for each family of commands."""

import sys

from afflux.cli import applications, data, demo, sandbox, server, statements, synchronise, users
from afflux.cli.options import cli
from afflux.domain.errors import AffluxError

__all__ = ["main"]

_FAMILIES = (server, applications, users, synchronise, data, statements, sandbox, demo)


def main() -> None:
    """Run the command line. Anything that goes wrong is one line on standard error and a non-zero exit."""
    for family in _FAMILIES:
        family.add_to(cli)
    try:
        code = cli(standalone_mode=False)
    except AffluxError as error:
        sys.exit(_complain(str(error), 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as error:
        # Wrong usage: the command-line library's own errors know how to say it in one line.
        describe = getattr(error, "format_message", None)
        if describe is None:
            raise
        sys.exit(_complain(" ".join(describe().split()), getattr(error, "exit_code", 2)))
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str, code: int) -> int:
    print(f"afflux: {message}", file=sys.stderr)
    return code
