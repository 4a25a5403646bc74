"""The kinds of trouble with an SQLite file or its disk. Those of a PostgreSQL server are in `sqlstates.py`."""

import msgspec

RETRY_SECONDS = 2.0


class Trouble(msgspec.Struct, frozen=True):
    """`kind` is a word for programs. `fix` says what an operator can do.

    `retry_after` is in seconds, for trouble that often ends by itself.
    """

    kind: str
    cause: str
    fix: str
    retry_after: float | None = None


FULL = Trouble(
    "full",
    "its disk has no room left",
    "Make room on its disk. Nothing that was acknowledged is lost, and Moorage goes on by itself once there is room.",
)
READ_ONLY = Trouble(
    "read_only",
    "it is read-only",
    "Check if its disk is mounted read-only, as happens after errors, and if this user may write there.",
)
BUSY = Trouble(
    "busy",
    "another program holds its lock",
    "Find the program that holds the lock, such as a backup or a shell of SQLite, and end it. Then repeat the call.",
    RETRY_SECONDS,
)
IO = Trouble(
    "io",
    "its disk fails",
    "Look for errors of the disk in the system's log. Moorage goes on by itself once the disk works again.",
)
UNOPENABLE = Trouble(
    "unopenable",
    "it can't be opened",
    "Check that its folder exists, and that this user may read and write it.",
)
NO_DESCRIPTORS = Trouble(
    "descriptors",
    "no file descriptors are left",
    "Raise the limit of open files (ulimit -n), or put a proxy in front that limits connections. Moorage goes on by"
    " itself once some are free.",
)
DAMAGED = Trouble(
    "damaged",
    "it is damaged, or not a database of this version",
    "Stop the server, move the file away, and restore a good copy of it.",
)
