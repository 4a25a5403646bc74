"""What a kind of database gives to the control database: the one place that knows which kind a URL names."""

from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa


class Watch(Protocol):
    """Whether anybody writes. It is asked in the event loop and waits for no lock."""

    def version(self) -> int | None:
        """A number that each commit of another process, or of another connection of this one, changes; None if nobody
        knows."""

    def close(self) -> None:
        """It can be asked again afterwards."""


class Backend(Protocol):
    """A database of a kind."""

    @property
    def path(self) -> Path | None:
        """The file whose disk may be in trouble, None for a database elsewhere."""

    def writing(self) -> sa.Engine:
        """An engine whose transactions are serial, those of other processes included (see `Database.transaction`).

        They hold changes of the schema, too.
        """

    def reading(self) -> sa.Engine:
        """An engine whose transactions see one moment, change nothing, and wait for none that write."""

    def wait_at_most(self, connection: sa.Connection, seconds: float) -> None:
        """How long the next transaction of an engine for writing waits for others."""

    def watch(self) -> Watch: ...

    def make(self, beside: Iterable[Path]) -> None:
        """Make an empty database where there is none, for its owner alone.

        `beside` are files that are made after it. Raises DatabaseUnusable if there is one: the database was lost.
        """


def backend_of(url: str) -> Backend:
    from moorage.storage.sqlite import Sqlite  # noqa: PLC0415 (only the kind that is used is loaded)

    return Sqlite(url)
