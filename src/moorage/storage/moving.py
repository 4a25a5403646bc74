"""Copies a database to another URL, of whichever kind. Nothing is written to it meanwhile, and it stays as it is."""

import warnings
from collections.abc import Callable, Collection
from pathlib import Path

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SAWarning

from moorage.storage.backend import SQLITE, Backend
from moorage.storage.copies import copy_file
from moorage.storage.errors import DatabaseNotEmpty, DatabaseServed
from moorage.storage.migrate import History, migrate, opened, require_known, revision

BATCH = 500  # Rows that are copied at once.
_OWN = {"turn", "leases"}  # Tables that belong to a database of PostgreSQL rather than to what it stores.


class Tables(msgspec.Struct, frozen=True):
    """The tables of a history in the database with this URL. What is in those `besides` does not count as content.

    All methods raise DatabaseUnusable.
    """

    url: str
    history: History
    besides: Collection[str] = ()

    @property
    def name(self) -> str:
        """The name of the database in messages."""
        return self.history.backend(self.url).name

    def update(self) -> None:
        """Bring them up to date."""
        migrate(self.url, history=self.history)

    def require_known(self) -> None:
        """Raises DatabaseUnusable also if a newer version has written them."""
        if self._exists():
            require_known(self.url, self.history)

    def has_content(self) -> bool:
        """A database that is missing has none."""
        if not self._exists() or revision(self.url, self.history) is None:
            return False
        rows = count_rows(self.url, self.history)
        return any(count for table, count in rows.items() if table not in self.besides)

    def _exists(self) -> bool:
        path = self.history.backend(self.url).path
        return path is None or path.exists()

    def is_served(self) -> bool:
        """True if servers of Moorage are connected, as far as the database knows."""
        backend = self.history.backend(self.url)
        if backend.path is not None:
            return False  # It may be missing.
        with opened(backend, backend.reading()) as connection:
            return backend.is_served(connection)


def count_rows(url: str, history: History) -> dict[str, int]:
    """The number of rows of each table. Raises DatabaseUnusable."""
    backend = history.backend(url)
    with opened(backend, backend.reading()) as connection:
        tables = _tables(connection, backend, history)
        return {table.name: _count(connection, table) for table in tables}


def require_empty(url: str, history: History, besides: Collection[str] = ()) -> None:
    """Raises DatabaseNotEmpty if the database has content, and DatabaseUnusable."""
    tables = Tables(url, history, besides)
    if tables.has_content():
        raise DatabaseNotEmpty(tables.name)


def move(
    source: str,
    target: str,
    history: History,
    on_table: Callable[[str, int], None],
    besides: Collection[str] = (),
    then: Callable[[sa.Connection], None] = lambda _: None,
) -> None:
    """Copy all rows in one transaction, in which nobody else can write to either database.

    `on_table` is called after each table with its number of rows. The tables `besides` stay as they are. `then` is
    called with the target at the end of its transaction. Raises DatabaseNotEmpty, DatabaseServed, DatabaseUnusable.
    """
    require_empty(target, history, besides)
    migrate(source, history=history)
    migrate(target, history=history)
    old, new = history.backend(source), history.backend(target)
    with opened(old, old.writing()) as read:
        if old.is_served(read):
            raise DatabaseServed(old.name)
        # Nested within the other, so that the old database is free again only after the new one has everything.
        with opened(new, new.writing()) as write:
            _copy_all(read, old, write, new, history, on_table, besides)
            then(write)


def copy_live(url: str, history: History, target: Path, besides: Collection[str] = ()) -> None:
    """Copy a database as it is at one moment to a new SQLite file, while others use it. Raises DatabaseUnusable.

    What is in the tables `besides` is left out.
    """
    old = history.backend(url)
    if old.path is not None:
        copy_file(old.path, target)
        return
    target.touch(0o600)
    new = history.backend(f"{SQLITE}{target}")
    migrate(f"{SQLITE}{target}", history=history)
    with opened(old, old.reading()) as read, opened(new, new.writing()) as write:
        _copy_all(read, old, write, new, history, lambda *_: None, besides)


def _copy_all(
    read: sa.Connection,
    old: Backend,
    write: sa.Connection,
    new: Backend,
    history: History,
    on_table: Callable[[str, int], None],
    besides: Collection[str],
) -> None:
    into = {table.name: table for table in _tables(write, new, history) if table.name not in besides}
    if any(_count(write, table) for table in into.values()):
        raise DatabaseNotEmpty(new.name)  # Somebody was quicker.
    for table in _tables(read, old, history):
        if table.name not in besides:
            on_table(table.name, _copy(read, table, write, into[table.name]))


def _copy(read: sa.Connection, table: sa.Table, write: sa.Connection, into: sa.Table) -> int:
    count = 0
    # PostgreSQL gives the rows as they are fetched, and not all at once.
    rows_of = read.execution_options(stream_results=True).execute(sa.select(table))
    for rows in rows_of.partitions(BATCH):
        write.execute(into.insert(), [dict(row._mapping) for row in rows])  # noqa: SLF001 (it is public)
        count += len(rows)
    return count


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _tables(connection: sa.Connection, backend: Backend, history: History) -> list[sa.Table]:
    """The tables of a history as the database has them, each after those that its rows refer to."""
    metadata = sa.MetaData()
    with warnings.catch_warnings():
        # Of indexes that it can't describe. The migrations make them.
        warnings.simplefilter("ignore", SAWarning)
        metadata.reflect(connection, schema=None if backend.path else history.schema)
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, sa.JSON):
                column.type.none_as_null = True  # NULL is no JSON text.
    return [table for table in metadata.sorted_tables if table.name not in _OWN | {history.table}]
