"""How many files and sockets this process may have open, and how many of them are for clients."""

import contextlib
import resource
from pathlib import Path

MAX_CONNECTIONS = 50_000  # Connections of clients in one process, whatever the system allows.


def raise_limit() -> None:
    """Let this process open as many as the system lets it; many systems begin with far fewer."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # Some say there is no limit, and don't take that as one.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections() -> int:
    """How many connections of clients this process may hold: what is open now is not theirs, nor is a quarter of all,
    which is for databases and apps."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, limit - limit // 4 - _open()))


def _open() -> int:
    try:
        return sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:  # No system that shows them.
        return 32
