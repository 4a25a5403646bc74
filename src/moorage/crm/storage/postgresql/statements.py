"""The statements of one writing transaction, which several jobs may share."""

import contextlib
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

from psycopg import Connection, Cursor
from psycopg.errors import LockNotAvailable
from psycopg.pq import TransactionStatus

from moorage.storage.errors import DatabaseUnusable

PATIENCE = 30  # Seconds to wait for another writer of the organisation, such as a restore.
# Readers of a table wait behind somebody who waits to lock it. So each try is short, and they have the pause after it.
LOCK_TRY = 100  # Milliseconds.
LOCK_PAUSE = 0.4  # Seconds.
SILENCE = 60  # Seconds after which the server ends a transaction whose process says nothing any more.

# In the message that begins the transaction, because a pooler may lose the settings of a session.
_BEGIN = (
    "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0;"
    f" SET LOCAL lock_timeout = '{PATIENCE}s'; SET LOCAL idle_in_transaction_session_timeout = '{SILENCE}s'; "
)

# The next transaction that waits for the disk waits for all that was written before it, too.
WITHOUT_THE_DISK = ("SET LOCAL synchronous_commit = off",)


class Statements:
    """With `several` jobs, each that runs statements has a savepoint: who runs the first one calls `protect` before."""

    def __init__(self, connection: Connection, *, several: bool = False) -> None:
        self._connection = connection
        self.cursor = connection.cursor(binary=True)
        self._several = several
        self._has_savepoint = False
        self.is_protected = not several

    def begin(self, sql: str) -> list[tuple[Any, ...]]:
        """Begin the transaction with a question; gives its rows."""
        return _last(self._connection.execute(_BEGIN + sql)).fetchall()

    def commit(self, last: Sequence[str]) -> None:
        """End the transaction with these statements. Raises DatabaseUnusable if the server did not commit."""
        cursor = _last(self._connection.execute("; ".join([*last, "COMMIT"])))
        if cursor.statusmessage != "COMMIT":
            raise DatabaseUnusable(
                "The embedded CRM's database did not commit a change.",
                help="Nothing was changed. Repeat the call.",
            )

    def roll_back(self) -> None:
        self._connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def committed(self) -> Iterator["Statements"]:
        """A transaction that nobody is told of: it is on the disk with the next one that waits for it."""
        try:
            self.begin("SELECT 1")
            yield self
            self.commit(WITHOUT_THE_DISK)
        finally:
            self.end()

    def end(self) -> None:
        """Undo the transaction if it has not been committed."""
        if self._connection.pgconn.transaction_status in {
            TransactionStatus.INTRANS,
            TransactionStatus.INERROR,
        }:
            self.roll_back()

    def begin_job(self) -> None:
        self.is_protected = not self._several

    def protect(self) -> None:
        """Set the savepoint of the current job: all that follows can be undone."""
        release = "RELEASE SAVEPOINT job; " if self._has_savepoint else ""
        self._connection.execute(f"{release}SAVEPOINT job")
        self._has_savepoint = self.is_protected = True

    def can_go_on(self) -> bool:
        """Whether the transaction outlives an error of the current job."""
        status = self._connection.pgconn.transaction_status
        return status == TransactionStatus.INTRANS or (
            status == TransactionStatus.INERROR and self.is_protected
        )

    def undo_job(self) -> None:
        """Undo what the current job has done since it was protected."""
        if self._several and self.is_protected:
            self._connection.execute("ROLLBACK TO SAVEPOINT job")

    def lock(self, tables: Collection[str]) -> None:
        """Lock tables against all others, so that they can be changed. Raises LockNotAvailable after PATIENCE seconds.

        Readers that need long, such as a search among all records, are waited for, and hold up no other ones.
        """
        end = time.monotonic() + PATIENCE
        if tables:
            self.run(f"SET LOCAL lock_timeout = {LOCK_TRY}")
            while not self._try_to_lock(tables, end):
                time.sleep(LOCK_PAUSE)
            self.run(f"SET LOCAL lock_timeout = '{PATIENCE}s'")

    def _try_to_lock(self, tables: Collection[str], end: float) -> bool:
        self.run("SAVEPOINT locking")
        try:
            self.run(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        except LockNotAvailable:
            if time.monotonic() > end:
                raise
            self.run("ROLLBACK TO SAVEPOINT locking")
            return False
        return True

    def rows(self, sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self.cursor.execute(sql, params or None).fetchall()

    def ask(self, sql: str, params: Sequence[Any]) -> Sequence[Sequence[Any]]:
        """The rows of a question that both storages ask, with `?` for each parameter."""
        return self.rows(sql.replace("?", "%s"), params)

    def run(self, sql: str, params: Sequence[Any] = ()) -> None:
        self.cursor.execute(sql, params or None)

    def run_all(self, statements: Iterable[str]) -> None:
        with self.together():
            for statement in statements:
                self.cursor.execute(statement)

    def run_many(self, sql: str, params: Sequence[Sequence[Any]]) -> None:
        """Run a statement for each of the parameters, in this order, and wait for the server once."""
        self.cursor.executemany(sql, params)

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Wait for the server once for all statements within."""
        with self._connection.pipeline():
            yield

    def write(
        self, table: str, columns: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        """Add rows to a table. One is added by a statement that is prepared before long, several by a stream."""
        if len(rows) == 1:
            values = {
                column: value for column, value in zip(columns, rows[0], strict=True) if value is not None
            }
            places = ", ".join(["%s"] * len(values))
            self.run(f"INSERT INTO {table} ({', '.join(values)}) VALUES ({places})", list(values.values()))
        elif rows:
            self.stream(table, columns, types, rows)

    def stream(
        self, table: str, columns: Sequence[str], types: Sequence[str], rows: Iterable[Sequence[Any]]
    ) -> None:
        with self.cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)


def _last(cursor: Cursor[Any]) -> Cursor[Any]:
    """The result of the last statement of a message."""
    while cursor.nextset():
        pass
    return cursor
