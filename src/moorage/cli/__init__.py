"""The command line. A command parses its arguments, calls the client or the operator, and prints the result."""

import gc
import sys


def main() -> int:
    """Run `moorage` with the arguments of this process. Returns the exit status (see docs/cli.md)."""
    # Garbage collection would take a tenth of a command's time and free little, as most objects are modules.
    gc.disable()
    # The server imports this package, too, but does not need the commands.
    from moorage.cli.program import run  # noqa: PLC0415

    return run(sys.argv[1:])
