"""The contract of a kind of database, such as SQLite. Only `backend_of` knows which kind a URL names."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

QUIET = "quiet"


class Watch(Protocol):
    """Notices commits. It is used in the event loop, and waits for no lock."""

    def version(self) -> int | None:
        """A number that changes with each commit of another connection, in this process or in another one.

        Quiet transactions don't change it (see `Database.transaction`). None if it can't be read.
        """

    def close(self) -> None:
        """Close the watch. `version` opens it again."""


class Backend(Protocol):
    """A database of one kind."""

    @property
    def path(self) -> Path | None:
        """The file of the database; None for a database that is not a file on this machine."""

    def writing(self) -> sa.Engine:
        """An engine for writing. Its transactions are serial, also with those of other processes.

        See `Database.transaction`. The transactions contain changes of the schema, too. Those of a connection with
        QUIET in its `info` are not noticed by a `Watch`.
        """

    def reading(self) -> sa.Engine:
        """An engine for reading. Its transactions see one moment, change nothing, and do not wait for writers."""

    def wait_at_most(self, connection: sa.Connection, seconds: float) -> None:
        """Limit the time for which the next writing transaction of this connection waits for others."""

    def watch(self) -> Watch: ...

    def make(self, beside: Iterable[Path]) -> None:
        """Create an empty database if there is none. Only its owner may read it.

        `beside` are files that are always created later than the database. If one of them exists without the database,
        the database was lost: raises DatabaseUnusable.
        """


def backend_of(url: str) -> Backend:
    from moorage.storage.sqlite import Sqlite  # noqa: PLC0415 (only the kind that is used is loaded)

    return Sqlite(url)
