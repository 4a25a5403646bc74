"""An organisation's schema is held, and closed for good when the organisation has another place."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from psycopg import Connection
from psycopg.pq import TransactionStatus

from moorage.crm.storage.contract.organisations import Place
from moorage.crm.storage.postgresql import snapshot_files
from moorage.crm.storage.postgresql.schema import has_counters, schema_of
from moorage.crm.storage.postgresql.server import PostgresqlServer

_BEGIN = "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
# In the order in which writers lock them.
_LOCK = "SELECT value FROM {0}.counters WHERE name IN ('id', 'version') ORDER BY name FOR UPDATE"
_CLOSE = "UPDATE {0}.counters SET name = 'closed ' || name WHERE name IN ('id', 'version')"
_REOPEN = """
    UPDATE {0}.counters SET name = substr(name, 8), value = value + CASE name WHEN 'closed id' THEN 0 ELSE 1 END
    WHERE name IN ('closed id', 'closed version')
"""


class HeldSchema:
    """`Held` of the contract."""

    def __init__(self, server: PostgresqlServer, connection: Connection, place: Place) -> None:
        self._server = server
        self._connection = connection
        self._place = place

    def snapshot(self, target: Path) -> None:
        snapshot_files.snapshot(self._server, self._place, target)

    def close(self) -> None:
        self._connection.execute(_CLOSE.format(schema_of(self._place.identity)))
        self._connection.execute("COMMIT")


@contextlib.contextmanager
def held(server: PostgresqlServer, place: Place) -> Iterator[HeldSchema]:
    """Nobody writes to the schema in this context."""
    schema = schema_of(place.identity)
    with server.lend(schema) as connection:
        connection.execute(_BEGIN)
        try:
            connection.execute(_LOCK.format(schema))
            yield HeldSchema(server, connection, place)
        finally:
            if connection.info.transaction_status in {TransactionStatus.INTRANS, TransactionStatus.INERROR}:
                connection.execute("ROLLBACK")


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
