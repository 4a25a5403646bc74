"""How many files and sockets this process may have open, and how many of them are for clients."""

import contextlib
import resource

MOST = 50_000  # Connections of clients in one process, whatever the system allows.
_LEAST_FOR_OTHERS = 32  # Databases, sockets to apps, logs.


def raise_limit() -> None:
    """Let this process open as many as the system lets it; many systems begin with far fewer."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # Some say there is no limit, and don't take that as one.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections() -> int:
    """How many connections of clients this process may hold, so that a quarter is left for all else."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MOST
    return max(1, min(MOST, limit - max(limit // 4, _LEAST_FOR_OTHERS)))
