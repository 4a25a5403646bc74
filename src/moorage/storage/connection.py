"""A connection with an open transaction, for the event loop: its statements run in a thread of the database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa

from moorage.storage.threads import ConnectionThread

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows that a statement gave; `rowcount` is how many it changed."""

    rows: Sequence[sa.Row[Any]]
    rowcount: int

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def all(self) -> Sequence[Any]:
        return self.rows

    def first(self) -> Any:
        """None if there is none."""
        return self.rows[0] if self.rows else None

    def scalar(self) -> Any:
        """The first value of the first row, None if there is none."""
        return self.rows[0][0] if self.rows else None


class Connection:
    """Each statement is one visit to the thread, which takes its rows, too (decision 0020)."""

    def __init__(self, thread: ConnectionThread) -> None:
        self._thread: ConnectionThread | None = thread

    async def execute(
        self, statement: sa.Executable, values: Mapping[str, Any] | Sequence[Mapping[str, Any]] = ()
    ) -> Rows:
        return await self.run(lambda connection: _rows(connection.execute(statement, values or None)))

    async def exec_driver_sql(self, sql: str, values: Any = None) -> Rows:
        """The same for SQL as the driver takes it."""
        return await self.run(lambda connection: _rows(connection.exec_driver_sql(sql, values)))

    async def run(self, work: Callable[[sa.Connection], T]) -> T:
        """Do some work of several statements in one visit."""
        if self._thread is None:
            raise RuntimeError("This came after the end of its transaction.")
        return await self._thread.ask(work)

    def end(self) -> None:
        """The thread belongs to the next transaction from now on."""
        self._thread = None


def _rows(result: sa.CursorResult[Any]) -> Rows:
    return Rows(result.all() if result.returns_rows else (), result.rowcount)
