"""Copies a database to another URL, of whichever kind. Nothing is written to it meanwhile, and it stays as it is."""

import warnings
from collections.abc import Callable

import sqlalchemy as sa
from sqlalchemy.exc import SAWarning

from moorage.storage.backend import Backend
from moorage.storage.errors import DatabaseNotEmpty, DatabaseServed
from moorage.storage.migrate import History, migrate, opened, revision

BATCH = 500  # Rows that are copied at once.
_OWN = {"turn", "leases"}  # Tables that belong to a database of PostgreSQL rather than to what it stores.


def count_rows(url: str, history: History) -> dict[str, int]:
    """The number of rows of each table. Raises DatabaseUnusable."""
    backend = history.backend(url)
    with opened(backend, backend.reading()) as connection:
        tables = _tables(connection, backend, history)
        return {table.name: _count(connection, table) for table in tables}


def require_empty(url: str, history: History) -> None:
    """Raises DatabaseNotEmpty if the database has content, and DatabaseUnusable. One that is missing is empty."""
    backend = history.backend(url)
    missing = backend.path is not None and not backend.path.exists()
    if not missing and revision(url, history) is not None and any(count_rows(url, history).values()):
        raise DatabaseNotEmpty(backend.name)


def move(source: str, target: str, history: History, on_table: Callable[[str, int], None]) -> None:
    """Copy all rows in one transaction, in which nobody else can write to either database.

    `on_table` is called after each table with its number of rows. Raises DatabaseNotEmpty, DatabaseServed, and
    DatabaseUnusable.
    """
    require_empty(target, history)
    migrate(source, history=history)
    migrate(target, history=history)
    old, new = history.backend(source), history.backend(target)
    with opened(old, old.writing()) as read:
        if old.is_served(read):
            raise DatabaseServed(old.name)
        # Nested within the other, so that the old database is free again only after the new one has everything.
        with opened(new, new.writing()) as write:
            into = {table.name: table for table in _tables(write, new, history)}
            if any(_count(write, table) for table in into.values()):
                raise DatabaseNotEmpty(new.name)  # Somebody was quicker.
            for table in _tables(read, old, history):
                on_table(table.name, _copy(read, table, write, into[table.name]))


def _copy(read: sa.Connection, table: sa.Table, write: sa.Connection, into: sa.Table) -> int:
    count = 0
    for rows in read.execute(sa.select(table)).partitions(BATCH):
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
