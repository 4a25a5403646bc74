"""An organisation's schema is copied while it is used, held, and closed for good when it has another place.

Transactions write which rows they change (`changed.py`), as for a move between two servers (`moving.py`).
"""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import Connection
from psycopg.pq import TransactionStatus

from moorage.crm.storage.contract.departures import ChangedIds, CopyOvertaken, OrganisationRows
from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.postgresql import changed
from moorage.crm.storage.postgresql.replacing import replacing
from moorage.crm.storage.postgresql.schema import exists, has_counters, schema_of
from moorage.crm.storage.postgresql.schema_rows import SchemaCopy, SchemaRows
from moorage.crm.storage.postgresql.server import PostgresqlServer
from moorage.crm.storage.postgresql.session import long_transaction
from moorage.crm.storage.postgresql.settling import locked
from moorage.crm.storage.postgresql.snapshot_files import missing

_BEGIN = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
# In the order in which writers lock them.
_LOCK = "SELECT value FROM {0}.counters WHERE name IN ('id', 'version') ORDER BY name FOR UPDATE"
_CLOSE = "UPDATE {0}.counters SET name = 'closed ' || name WHERE name IN ('id', 'version')"
_REOPEN = """
    UPDATE {0}.counters SET name = substr(name, 8), value = value + CASE name WHEN 'closed id' THEN 0 ELSE 1 END
    WHERE name IN ('closed id', 'closed version')
"""


@dataclass
class HeldSchema:
    """`Held` of the contract."""

    rows: OrganisationRows
    changed: ChangedIds
    connection: Connection
    schema: str

    def close(self) -> None:
        self.connection.execute(_CLOSE.format(self.schema))
        self.connection.execute("COMMIT")


class DepartingSchema:
    """`Departing` of the contract. Changes are written down for this `number` as long as the metadata stay."""

    def __init__(self, connection: Connection, schema: str, number: int) -> None:
        self._connection = connection
        self._schema = schema
        self._number = number
        self._rows = SchemaRows(connection, schema)

    @contextlib.contextmanager
    def everything(self) -> Iterator[OrganisationRows]:
        try:
            yield self._rows
        except psycopg.Error:
            self._require_current()  # A table or a column may be gone.
            raise

    @contextlib.contextmanager
    def changes(self) -> Iterator[tuple[OrganisationRows, ChangedIds]]:
        with long_transaction(self._connection, isolation="REPEATABLE READ"):
            yield self._rows, self._taken()

    @contextlib.contextmanager
    def hold(self) -> Iterator[HeldSchema]:
        connection = self._connection
        connection.execute(_BEGIN)
        try:
            connection.execute(_LOCK.format(self._schema))
            yield HeldSchema(self._rows, self._taken(), connection, self._schema)
        finally:
            if connection.info.transaction_status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
                connection.execute("ROLLBACK")

    def _taken(self) -> ChangedIds:
        self._require_current()
        return {table: sorted(ids) for table, ids in changed.take(self._connection, self._schema).items()}

    def _require_current(self) -> None:
        if changed.number(self._connection, self._schema) != self._number:
            raise CopyOvertaken


@contextlib.contextmanager
def departing(server: PostgresqlServer, place: Place) -> Iterator[DepartingSchema]:
    """Changes are written down from here on, until `stay`. Raises OrganisationDamaged."""
    schema, number = schema_of(place.identity), 1 + secrets.randbits(62)
    with server.lend(schema) as connection:
        with long_transaction(connection):
            if not exists(connection, schema) or not locked(connection, schema):
                raise missing(place)
            changed.begin(connection, schema, number)
        yield DepartingSchema(connection, schema, number)


def stay(server: PostgresqlServer, place: Place) -> None:
    """Let changes be written down no more."""
    schema = schema_of(place.identity)
    with server.lend(schema) as connection, long_transaction(connection):
        if has_counters(connection, schema):
            locked(connection, schema)
            changed.forget(connection, schema)


@contextlib.contextmanager
def arriving(server: PostgresqlServer, place: Place) -> Iterator[SchemaCopy]:
    """See `OrganisationStorage.arrive`."""
    schema = schema_of(place.identity)
    with server.lend(schema) as connection, replacing(connection, schema, ids_go_on=True) as draft:
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield SchemaCopy(connection, draft)


def is_closed(server: PostgresqlServer, place: Place) -> bool:
    schema = schema_of(place.identity)
    with server.lend(schema) as connection:
        if not has_counters(connection, schema):
            return False
        sql = f"SELECT 1 FROM {schema}.counters WHERE name = 'closed version'"
        return connection.execute(sql).fetchone() is not None


def reopen(server: PostgresqlServer, place: Place) -> None:
    """Let the schema be used again."""
    schema = schema_of(place.identity)
    with server.lend(schema) as connection:
        connection.execute(_REOPEN.format(schema))
