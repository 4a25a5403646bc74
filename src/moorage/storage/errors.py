"""The error of a database that can't be used."""

from moorage.errors import MoorageError


class DatabaseUnusable(MoorageError):
    """The database can't be used.

    Its file is damaged, locked, not a database, or of a newer version; its disk is full, read-only or fails; the
    process has no file descriptors left; or its server can't be reached or refuses work. `kind` is that of a `Trouble`
    (`trouble_kinds.py`, `sqlstates.py`), or "other". `retry_after` is in seconds.
    """

    code = "database_unusable"

    def __init__(
        self,
        message: str,
        *,
        help: str | None = None,  # noqa: A002 (as in MoorageError)
        kind: str = "other",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message, help=help)
        self.kind = kind
        self.retry_after = retry_after


class DriverMissing(MoorageError):
    """The URL names PostgreSQL, and its driver is not installed."""

    code = "driver_missing"

    def __init__(self, module: str) -> None:
        super().__init__(
            f"The URL of a database names PostgreSQL, and the Python package {module} is not installed.",
            help="Install it with `pip install 'moorage[postgresql]'`.",
        )


class DatabaseNotEmpty(MoorageError):
    """A database that shall become a copy of another one has content."""

    code = "database_not_empty"

    def __init__(
        self,
        name: str,
        help: str = "Name an empty one. A copy over another one's keys and connections would lose them.",  # noqa: A002
    ) -> None:
        super().__init__(f"{name} is not empty, so nothing was copied to it.", help=help)


class DatabaseServed(MoorageError):
    """Servers use a database that shall be moved."""

    code = "database_served"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"A server still uses {name}, so nothing was copied: what it writes later would be missing in the copy.",
            help="Stop all servers on this database, on every machine, and repeat the command.",
        )
