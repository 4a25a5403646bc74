"""The command line. A command parses, calls the client or the operator's door, and prints; nothing else."""

import sys


def main() -> int:
    """Run `moorage` with the arguments of this process; the exit status (see docs/cli.md)."""
    # Worker processes import this module too, and have no use for the commands.
    from moorage.cli.program import run  # noqa: PLC0415

    return run(sys.argv[1:])
