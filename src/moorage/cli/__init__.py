"""The command line. A command parses, calls the client or the operator's door, and prints; nothing else."""

import gc
import sys


def main() -> int:
    """Run `moorage` with the arguments of this process; the exit status (see docs/cli.md)."""
    # A command is soon over, and nearly all that it makes are modules, which stay: to look for waste takes a tenth of
    # its time.
    gc.disable()
    # The server's program imports this package too, and has no use for the commands.
    from moorage.cli.program import run  # noqa: PLC0415
    from moorage.lean import leave_out_what_nobody_uses  # noqa: PLC0415

    leave_out_what_nobody_uses()
    return run(sys.argv[1:])
