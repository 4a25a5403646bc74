"""The error of a database that can't be used."""

from moorage.errors import MoorageError

BUSY_SECONDS = 2.0  # The Retry-After for a database that another program holds.


class DatabaseUnusable(MoorageError):
    """The database can't be used.

    Its file is damaged, locked, not a database, or of a newer version; its disk is full, read-only or fails; or the
    process has no file descriptors left. `kind` is that of a `Trouble` (`storage/trouble.py`), or "other".
    """

    code = "database_unusable"

    def __init__(self, message: str, *, help: str | None = None, kind: str = "other") -> None:  # noqa: A002
        super().__init__(message, help=help)
        self.kind = kind
        self.retry_after = BUSY_SECONDS if kind == "busy" else None
