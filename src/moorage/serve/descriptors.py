"""How many files and sockets this process may have open, and how many of them are for clients."""

import contextlib
import resource
from pathlib import Path

MAX_CONNECTIONS = 50_000  # Of clients in one process, even if the system allows more.


def raise_limit() -> None:
    """Raise this process's limit to the system's maximum; many systems start with far less."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(
        ValueError, OSError
    ):  # Some systems report no limit, and do not accept that as a value.
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections() -> int:
    """How many connections of clients this process may hold: not those descriptors that are open now, nor a quarter of
    all, which is for databases and apps."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, limit - limit // 4 - _open()))


def _open() -> int:
    try:
        return sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:  # This system does not show them.
        return 32
