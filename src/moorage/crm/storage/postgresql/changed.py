"""The records that have changed while an organisation is copied to another server.

While the counter `move` is not 0, each transaction of the organisation also writes which rows it has changed. It reads
that counter once it has the lock of the one writer. So no change is missed from the moment on when the counter is set
under that lock.
"""

from collections.abc import Iterable, Mapping

from psycopg import Connection

from moorage.crm.storage.postgresql.statements import Statements

TABLE = "changed"
COUNTER = "move"


class ChangedRows:
    """The rows that a transaction changes. It remembers them only if the organisation is being copied."""

    def __init__(self, *, is_copied: bool) -> None:
        self._is_copied = is_copied
        self._rows: dict[str, set[int]] = {}

    def note(self, table: str, ids: Iterable[int]) -> None:
        """Remember rows of a table, also those of a job that is undone later: they are copied once too often."""
        if self._is_copied:
            self._rows.setdefault(table, set()).update(ids)

    def write(self, statements: Statements, schema: str) -> None:
        rows = [(table, row) for table, ids in self._rows.items() for row in sorted(ids)]
        if rows:
            statements.write(f"{schema}.{TABLE}", ("name", "id"), ("text", "int8"), rows)


def begin(connection: Connection, schema: str, number: int) -> None:
    """Let transactions write what they change, from the commit on. The caller holds the lock of the writer."""
    forget(connection, schema)
    connection.execute(f"CREATE TABLE {schema}.{TABLE} (name text NOT NULL, id bigint NOT NULL)")
    connection.execute(f"UPDATE {schema}.counters SET value = {number:d} WHERE name = '{COUNTER}'")


def stop_statement(schema: str) -> str:
    """Let transactions write no more what they change: the copy has to begin again, as after a change of the metadata.

    The caller holds the lock of the writer. The table stays, because it may be read at this moment.
    """
    return f"UPDATE {schema}.counters SET value = 0 WHERE name = '{COUNTER}' AND value <> 0"


def forget(connection: Connection, schema: str) -> None:
    """As `stop_statement`, and remove what was written. It is no error if nothing was."""
    connection.execute(stop_statement(schema))
    connection.execute(f"DROP TABLE IF EXISTS {schema}.{TABLE}")


def number(connection: Connection, schema: str) -> int | None:
    """The number of the move for which changes are written; 0 if they are not."""
    sql = f"SELECT value FROM {schema}.counters WHERE name = '{COUNTER}'"
    row: tuple[int] | None = connection.execute(sql).fetchone()
    return row[0] if row else None


def take(connection: Connection, schema: str) -> Mapping[str, set[int]]:
    """The changes that are written down, by table. They are taken away, once this transaction is committed."""
    changes: dict[str, set[int]] = {}
    sql = f"DELETE FROM {schema}.{TABLE} RETURNING name, id"
    for name, row in connection.execute(sql):
        changes.setdefault(name, set()).add(row)
    return changes
