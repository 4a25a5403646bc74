"""PostgreSQL as a database that several processes share, on one machine or on many.

Its tables are in a schema of their own. All that a transaction needs is set when it begins, and no session keeps
anything. So the connections may go through a pooler that lends them for one transaction each.

One row of the table `turn` makes writing transactions serial: each begins with a change of that row, whose lock it has
until its end. The row's number counts the transactions that are not quiet, and so tells of changes (decision 0039).
"""

import contextlib
import select
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg.abc import Buffer
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import ReadOnlySqlTransaction
from psycopg.pq import TransactionStatus
from psycopg.types.string import StrDumperUnknown
from sqlalchemy.exc import OperationalError

from moorage.errors import SettingsInvalid
from moorage.storage.backend import QUIET
from moorage.storage.errors import DatabaseUnusable
from moorage.storage.postgresql_watch import PostgresqlWatch
from moorage.storage.trouble import unusable

NAME = "The PostgreSQL database"
OLDEST = 15  # The oldest version of PostgreSQL that is tested.
# Used for what a URL does not say. A server that is gone must not hold up calls for much longer than one that says so.
CONNECTION = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
_WAIT = 60.0  # Seconds that a writing transaction waits for its turn, if nobody has said how long.
# Seconds. If a process stands still in a transaction, or its machine is gone, others can't write meanwhile.
_STANDS_STILL = 10
_STATEMENT = 30  # Seconds that a statement of a reading transaction may take.
_ATTEMPTS = 5  # Of several processes that create a schema at once, all but one fail and look again.
_MADE_BY_ANOTHER = {"23505", "42P06", "42P07", "42710", "XX000"}


class Postgresql:
    """Implements `Backend`."""

    path: Path | None = None
    name = NAME

    def __init__(self, url: str, schema: str) -> None:
        self._parameters = _parameters(url)
        self._schema = schema
        self._turn = f'"{schema}".turn'
        self._leases = f'"{schema}".leases'
        self._search_path = f'SET LOCAL search_path = "{schema}"'

    def writing(self) -> sa.Engine:
        engine = self._engine("writing")
        sa.event.listen(engine, "begin", self._begin_writing)
        sa.event.listen(engine, "commit", _require_sound)
        return engine

    def reading(self) -> sa.Engine:
        engine = self._engine("reading")
        begin = (
            f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {self._search_path};"
            f" SET LOCAL statement_timeout = '{_STATEMENT}s'"
        )
        sa.event.listen(engine, "begin", lambda connection: _begin(connection, begin))
        return engine

    def wait_at_most(self, connection: sa.Connection, seconds: float) -> None:
        connection.info["wait"] = seconds

    def has_ended(self, connection: sa.Connection) -> bool:
        driver = _driver(connection)
        # Between transactions a server says nothing but that it closes the connection.
        return driver.closed or has_message(driver.fileno())

    def describe(self) -> str:
        used = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
        limit = "SELECT current_setting('max_connections'), current_setting('server_version')"
        with self._connected("examining") as connection:
            [count] = connection.execute(used).fetchone() or (0,)
            most, version = connection.execute(limit).fetchone() or ("", "")
        return f"It is PostgreSQL {version}, with {count} of {most} connections in use."

    def is_served(self, connection: sa.Connection) -> bool:
        sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = :name"
        name = _name(self._schema, "watching")  # Each process of a server has such a connection.
        return bool(connection.execute(sa.text(sql), {"name": name}).scalar())

    def watch(self) -> PostgresqlWatch:
        return PostgresqlWatch(self.connector("watching"), f"SELECT number FROM {self._turn}")

    def make(self, beside: Iterable[Path]) -> None:
        with self._connected("making") as connection:
            _require_new_enough(connection)
            if not self._is_made(connection):
                self._require_first(connection, beside)
                self._make(connection)

    def _is_made(self, connection: psycopg.Connection[Any]) -> bool:
        tables = connection.execute("SELECT to_regclass(%s), to_regclass(%s)", (self._turn, self._leases))
        if None in (tables.fetchone() or (None,)):
            return False
        return connection.execute(f"SELECT 1 FROM {self._turn}").fetchone() is not None

    def _require_first(self, connection: psycopg.Connection[Any], beside: Iterable[Path]) -> None:
        older_files = [file for file in beside if file.exists() and file.stat().st_size]
        turn = connection.execute("SELECT to_regclass(%s)", (self._turn,)).fetchone()
        if not older_files or turn != (None,):
            return
        # A lost database must not look like a first start, which would hide that all keys and connections are lost.
        raise DatabaseUnusable(
            f"{NAME} is empty, but {' and '.join(str(file) for file in older_files)} of an earlier start still exists.",
            help="`moorage move control` copies a control database to PostgreSQL. If it was there already, restore it."
            " To start without its keys and connections, choose another MOORAGE_HOME, or move the named files away.",
            kind="damaged",
        )

    def _make(self, connection: psycopg.Connection[Any]) -> None:
        """Create the schema and its turn, also if other processes do so at the same time."""
        for attempt in range(_ATTEMPTS):
            try:
                with connection.transaction():
                    self._make_missing(connection)
            except psycopg.Error as error:
                if error.sqlstate not in _MADE_BY_ANOTHER or attempt == _ATTEMPTS - 1:
                    raise
            else:
                return

    def _make_missing(self, connection: psycopg.Connection[Any]) -> None:
        # Each is looked for first, because who may not create it can't use IF NOT EXISTS either.
        if connection.execute("SELECT to_regnamespace(%s)", (f'"{self._schema}"',)).fetchone() == (None,):
            connection.execute(f'CREATE SCHEMA "{self._schema}"')
        if connection.execute("SELECT to_regclass(%s)", (self._turn,)).fetchone() == (None,):
            columns = "id integer PRIMARY KEY CHECK (id = 1), number bigint NOT NULL"
            connection.execute(f"CREATE TABLE {self._turn} ({columns})")
        connection.execute(f"INSERT INTO {self._turn} VALUES (1, 0) ON CONFLICT DO NOTHING")
        if connection.execute("SELECT to_regclass(%s)", (self._leases,)).fetchone() == (None,):
            columns = "name text PRIMARY KEY, owner text NOT NULL, ends_at timestamptz NOT NULL"
            connection.execute(f"CREATE TABLE {self._leases} ({columns})")

    def sort_by_code_points(self, connection: sa.Connection) -> None:
        # The order of a database's collation differs from SQLite's, and may change with the system's libraries.
        others = connection.execute(
            sa.text(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = :schema"
                " AND data_type = 'text' AND collation_name IS DISTINCT FROM 'C'"
            ),
            {"schema": self._schema},
        )
        for table, column in others.all():
            connection.exec_driver_sql(
                f'ALTER TABLE "{self._schema}"."{table}" ALTER COLUMN "{column}" TYPE text COLLATE "C"'
            )

    @contextlib.contextmanager
    def _connected(self, purpose: str) -> Iterator[psycopg.Connection[Any]]:
        try:
            with contextlib.closing(self.connector(purpose)()) as connection:
                yield connection
        except psycopg.Error as error:
            raise unusable(NAME, error) from error

    def _engine(self, purpose: str) -> sa.Engine:
        # Each thread keeps its connection, so a pool is not needed.
        return sa.create_engine(
            "postgresql+psycopg://",
            creator=self.connector(purpose),
            poolclass=sa.NullPool,
            use_native_hstore=False,  # It would be looked up at each connect.
        )

    def connector(self, purpose: str) -> Callable[[], psycopg.Connection[Any]]:
        """What opens a connection in autocommit mode, named after what it is for."""
        name = {"fallback_application_name": _name(self._schema, purpose)}
        conninfo = make_conninfo("", **{**CONNECTION, **name, **self._parameters})

        def connect() -> psycopg.Connection[Any]:
            # The driver must not begin transactions, because SQLAlchemy does. It must not prepare statements, because
            # behind a pooler the next transaction may have another session.
            connection = psycopg.connect(conninfo, autocommit=True, prepare_threshold=None)
            connection.adapters.register_dumper(str, TextWithoutNul)
            return connection

        return connect

    def _begin_writing(self, connection: sa.Connection) -> None:
        wait = max(1, int(connection.info.get("wait", _WAIT) * 1000))
        step = 0 if connection.info.get(QUIET) else 1
        sql = (
            f"BEGIN; {self._search_path}; SET LOCAL lock_timeout = {wait};"
            f" SET LOCAL idle_in_transaction_session_timeout = '{_STANDS_STILL}s';"
            f" UPDATE {self._turn} SET number = number + {step} RETURNING number"
        )
        row = _begin(connection, sql)
        if row is None:
            raise RuntimeError(f"The table {self._turn} has no row.")
        connection.info["turn"] = row[0]


class TextWithoutNul(StrDumperUnknown):
    """PostgreSQL has no NUL in texts. A caller who asks for one finds nothing, rather than an error of the database."""

    def dump(self, obj: str) -> Buffer | None:
        return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}"))


def _require_new_enough(connection: psycopg.Connection[Any]) -> None:
    if connection.info.server_version < OLDEST * 10_000:
        raise DatabaseUnusable(
            f"{NAME} can't be used: its server has version {connection.info.server_version // 10_000}, and Moorage"
            f" needs {OLDEST} or a later one.",
            help="Upgrade the server, or use another one.",
            kind="old",
        )


def has_message(descriptor: int) -> bool:
    """Whether there is something to read from a socket. It waits for nothing."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _parameters(url: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url))
    except psycopg.ProgrammingError:
        # The library's text may quote the password.
        raise SettingsInvalid(
            "The URL of a PostgreSQL database can't be read.",
            help="Use postgresql://USER:PASSWORD@HOST:PORT/DATABASE, and percent-encoding for other characters than"
            " letters and digits in the password. PostgreSQL's manual lists the parameters that may follow a question"
            " mark.",
        ) from None


def _name(schema: str, purpose: str) -> str:
    """The name of a connection, as pg_stat_activity shows it."""
    subject = "control" if schema == "moorage" else schema.removeprefix("moorage_")
    return f"moorage {subject} {purpose}"


def _driver(connection: sa.Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, psycopg.Connection)
    return driver


def _begin(connection: sa.Connection, sql: str) -> Any:
    """Send the statements as one message. Returns the first row of the last one; None if it gives no row.

    By the driver, because SQLAlchemy reads only the result of the first statement.
    """
    driver = _driver(connection)
    try:
        cursor = driver.execute(sql)
        while cursor.nextset():
            pass
        return cursor.fetchone() if cursor.description else None
    except psycopg.Error as error:
        # SQLAlchemy has no transaction yet that it would roll back.
        with contextlib.suppress(psycopg.Error):
            driver.rollback()
        # After a fail-over the URL may lead to another server, which only a new connection finds out.
        if isinstance(error, ReadOnlySqlTransaction):
            driver.close()
        raise OperationalError(sql, None, error) from error


def _require_sound(connection: sa.Connection) -> None:
    """Raises RuntimeError if a statement has failed: PostgreSQL would roll back, and report no error."""
    driver = _driver(connection)
    if driver.info.transaction_status == TransactionStatus.INERROR:
        driver.rollback()
        raise RuntimeError("A statement of the transaction has failed, so it can't be committed.")
