"""The limit on open files and sockets of this process, and the share of it that clients may use."""

import contextlib
import resource
from pathlib import Path

MAX_CONNECTIONS = 50_000  # Connections of clients in one process, even if the system allows more.


def raise_limit() -> None:
    """Raise this process's limit to the system's maximum; many systems start with far less."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # Some systems report that there is no limit, but refuse that as a value.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connections() -> int:
    """The number of client connections that this process may hold.

    Of all descriptors, those that are open now and a quarter for databases and apps are not for clients.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limit == resource.RLIM_INFINITY:
        return MAX_CONNECTIONS
    return max(1, min(MAX_CONNECTIONS, limit - limit // 4 - _open()))


def _open() -> int:
    try:
        return sum(1 for _ in Path("/dev/fd").iterdir())
    except OSError:  # This system has no such folder.
        return 32
