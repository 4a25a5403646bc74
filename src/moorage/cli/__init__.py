"""The command line. A command parses its arguments, calls the client or the operator, and prints the result."""

import gc
import sys


def main() -> int:
    """Run `moorage` with the arguments of this process; the exit status (see docs/cli.md)."""
    # A command ends soon, and most of its objects are modules, which stay. To collect garbage would take a tenth of its
    # time.
    gc.disable()
    # The server imports this package too, and does not need the commands.
    from moorage.cli.program import run  # noqa: PLC0415

    return run(sys.argv[1:])
