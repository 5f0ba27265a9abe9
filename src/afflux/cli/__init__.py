"""The command `afflux`: one module for each family of commands."""

import os
import sys
import traceback
from functools import cache
from importlib import import_module

from afflux.cli.options import cli
from afflux.domain.errors import AffluxError

__all__ = ["MODULES", "main"]

#: Where each command is, in the order in which `--help` lists them. To load a module takes longer than most commands,
#: and a worker has no use for a web server: so only the one that is called is loaded.
MODULES = {
    "serve": "serve", "api": "api", "worker": "worker", "prepare": "prepare",
    "app": "applications", "user": "users", "connect": "users", "sync": "synchronise",
    "accounts": "data", "transactions": "data", "documents": "data", "events": "data",
    "import": "statements", "audit": "audit", "keys": "keys", "sandbox": "sandbox", "demo": "demo",
}  # fmt: skip


def main() -> None:
    """Run the command line. Anything that goes wrong is one line on standard error and a non-zero exit."""
    command = sys.argv[1] if len(sys.argv) > 1 else ""
    for module in [MODULES[command]] if command in MODULES else dict.fromkeys(MODULES.values()):
        _load(module)
    try:
        code = cli(standalone_mode=False)
        sys.stdout.flush()
    except AffluxError as error:
        sys.exit(_complain(str(error), 1))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # Whoever read has gone; Python would complain once more when it flushes at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        sys.exit(_explain(error))
    sys.exit(code if isinstance(code, int) else 0)


@cache
def _load(module: str) -> None:
    """Add the commands of this module, once."""
    import_module(f"afflux.cli.{module}").add_to(cli)


def _explain(error: Exception) -> int:
    """Wrong usage is said by the command-line library itself; of anything else only where it happened, no value."""
    describe = getattr(error, "format_message", None)
    if describe is None:
        at = traceback.extract_tb(error.__traceback__)[-1]
        return _complain(f"internal error: {type(error).__name__} at {at.name}:{at.lineno}", 70)
    message = " ".join(describe().split())
    code: int = getattr(error, "exit_code", 2)
    return _complain(message, code) if message else code


def _complain(message: str, code: int) -> int:
    print(f"afflux: {message}", file=sys.stderr)
    return code
