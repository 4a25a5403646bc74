"""A connection with an open transaction, for code in the event loop. Its statements run in a thread of the database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from moorage.storage.threads import ConnectionThread

T = TypeVar("T")


class Rows(msgspec.Struct, frozen=True):
    """All rows of a statement's result. `rowcount` is the number of rows that it changed."""

    rows: Sequence[sa.Row[Any]]
    rowcount: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def all(self) -> Sequence[Any]:
        return self.rows

    def first(self) -> Any:
        """The first row; None if there is no row."""
        return self.rows[0] if self.rows else None

    def scalar(self) -> Any:
        """The first value of the first row; None if there is no row."""
        return self.rows[0][0] if self.rows else None


class Connection:
    """Runs each statement in the thread, which reads all rows as well, so that one wait is enough (decision 0020)."""

    def __init__(self, thread: ConnectionThread) -> None:
        self._thread: ConnectionThread | None = thread

    async def execute(
        self, statement: sa.Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] = ()
    ) -> Rows:
        return await self.run(lambda connection: _rows(connection.execute(statement, values or None)))

    async def exec_driver_sql(self, sql: str, values: Any = None) -> Rows:
        """Execute a statement that is SQL text in the driver's own style."""
        return await self.run(lambda connection: _rows(connection.exec_driver_sql(sql, values)))

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Run a function in the thread, for several statements with one wait."""
        if self._thread is None:
            raise RuntimeError("The transaction of this connection has ended.")
        return await self._thread.run(work)

    def end(self) -> None:
        """End the use of the thread, which belongs to the next transaction from now on."""
        self._thread = None


def _rows(result: sa.CursorResult[Any]) -> Rows:
    return Rows(result.all() if result.returns_rows else (), result.rowcount)
