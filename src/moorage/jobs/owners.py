"""Names of processes, by which others on the same machine see at once that one has ended.

On Linux, a process is known by its number and the time at which it began, in the number space of its container, since
the start of the machine. Elsewhere nobody sees more than that the lease has run out.
"""

import contextlib
import os
import socket
import uuid
from functools import cache
from pathlib import Path

_BEGUN = 19  # The place of the time among what follows the name in /proc/PID/stat [proc(5)].


def name_of(process: int) -> str:
    return f"{_machine()}/{process}/{_begun(process)}"


def has_ended(name: str) -> bool:
    """Whether a process has certainly ended. One of another machine, or that can't be seen, has not."""
    parts = name.rsplit("/", 2)
    if len(parts) < 3 or parts[0] != _machine():
        return False
    process, begun = int(parts[1]), parts[2]
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # It is there, and somebody else's.
    now = _begun(process)
    return now is not None and now != begun


@cache
def _machine() -> str:
    """What all processes have in common that see each other."""
    with contextlib.suppress(OSError):
        start = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{socket.gethostname()}:{start}:{Path('/proc/self/ns/pid').readlink()}"
    return f"{socket.gethostname()}:{uuid.uuid4()}"


def _begun(process: int) -> str | None:
    """When a process began; empty for one that has ended, but was not waited for. None if nobody says so."""
    try:
        stat = Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return None
    state, *more = stat.rpartition(")")[2].split()
    return "" if state in {"Z", "X"} else more[_BEGUN - 1]
