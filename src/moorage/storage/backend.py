"""The contract of a kind of database, such as SQLite. Only `backend_of` knows which kind a URL names."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from moorage.settings.databases import is_postgresql
from moorage.storage.errors import DriverMissing

CONTROL_SCHEMA = "moorage"
SQLITE = "sqlite:///"
QUIET = "quiet"


class Watch(Protocol):
    """Notices commits. It is used in the event loop, where `version` waits for nothing."""

    def version(self) -> int | None:
        """A number that changes with each commit of another connection, in this process or in another one.

        Quiet transactions don't change it (see `Database.transaction`). It changes at the latest a quarter of a second
        after the commit. None if it can't be read.
        """

    async def latest(self) -> int | None:
        """The version of a moment after this call has begun. So it counts every commit before the call."""

    def note(self, connection: sa.Connection) -> None:
        """Count the commit of this connection, which has just ended its transaction."""

    def close(self) -> None:
        """Close the watch. `version` opens it again."""


class Backend(Protocol):
    """A database of one kind."""

    @property
    def path(self) -> Path | None:
        """The file of the database; None for a database that is not a file on this machine."""

    @property
    def name(self) -> str:
        """The name of the database in messages. It is not the URL, because that may contain a password."""

    def writing(self) -> sa.Engine:
        """An engine for writing. Its transactions are serial, also with those of other processes.

        See `Database.transaction`. The transactions contain changes of the schema, too. Those of a connection with
        QUIET in its `info` are not noticed by a `Watch`.
        """

    def reading(self) -> sa.Engine:
        """An engine for reading. Its transactions see one moment, change nothing, and do not wait for writers."""

    def wait_at_most(self, connection: sa.Connection, seconds: float) -> None:
        """Limit the time for which the next writing transaction of this connection waits for others."""

    def has_ended(self, connection: sa.Connection) -> bool:
        """True if the database has closed the connection, which has no open transaction. Costs no round trip."""

    def describe(self) -> str:
        """A sentence about the server of the database, for people; empty if it has none. Raises DatabaseUnusable."""

    def is_served(self, connection: sa.Connection) -> bool:
        """True if servers of Moorage are connected, as far as the database knows."""

    def watch(self) -> Watch: ...

    def make(self, beside: Iterable[Path]) -> None:
        """Create an empty database if there is none. Only its owner may read it.

        `beside` are files that are always created later than the database. If one of them exists without the database,
        the database was lost: raises DatabaseUnusable.
        """

    def sort_by_code_points(self, connection: sa.Connection) -> None:
        """Give all columns of text the order of their code points, if the database has another one."""


def backend_of(url: str, schema: str = CONTROL_SCHEMA) -> Backend:
    """The database of a URL. A kind that has schemas has its tables in this one. Raises DriverMissing."""
    # Only the kind that is used is loaded.
    if not is_postgresql(url):
        from moorage.storage.sqlite import Sqlite  # noqa: PLC0415

        return Sqlite(url)
    try:
        from moorage.storage.postgresql import Postgresql  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise DriverMissing(error.name or "") from error
    return Postgresql(url, schema)
