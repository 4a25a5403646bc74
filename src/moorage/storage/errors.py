"""What can be wrong with the database itself."""

from moorage.errors import MoorageError

BUSY_SECONDS = 2.0  # When to come back for what another program holds.


class DatabaseUnusable(MoorageError):
    """Its file is damaged, locked, no database at all, or a newer version's; or its disk is full, read-only or fails;
    or no descriptors are left to open it with.

    `kind` is the trouble's (`storage/trouble.py`), "other" where nobody knows.
    """

    code = "database_unusable"

    def __init__(self, message: str, *, help: str | None = None, kind: str = "other") -> None:  # noqa: A002
        super().__init__(message, help=help)
        self.kind = kind
        self.retry_after = BUSY_SECONDS if kind == "busy" else None
