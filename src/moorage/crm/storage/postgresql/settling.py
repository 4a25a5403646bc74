"""What is left of a move whose process may have died: which of both places is used, and what can be removed."""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection, Cursor

from moorage.crm.storage.postgresql import changed
from moorage.crm.storage.postgresql.removing import drop, remove_in_turns
from moorage.crm.storage.postgresql.schema import exists
from moorage.crm.storage.postgresql.session import long_transaction

REMOVAL_PATIENCE = 60  # Seconds. A read ends after 30.

# This counter says by which move the tables of an organisation came to a server.
MARK = "moved"


def is_left(source: Connection, schema: str, number: int) -> bool:
    """Whether a move has left the original behind. If not, end the move, so that it can't go on later."""
    with long_transaction(source):
        if not exists(source, schema) or not locked(source, schema):
            return True
        sql = f"SELECT 1 FROM {schema}.counters WHERE name = '{changed.COUNTER}' AND value = {number:d}"
        if run(source, sql).fetchone():
            changed.forget(source, schema)
        return False


def is_whole(target: Connection, schema: str, number: int) -> bool:
    """Whether a move has brought a whole copy."""
    sql = (
        f"SELECT count(*) FROM {schema}.counters"
        f" WHERE name = 'id' OR (name = '{MARK}' AND value = {number:d})"
    )
    return exists(target, schema) and run(target, sql).fetchone() == (2,)


def remove_copy(target: Connection, schema: str, number: int) -> None:
    """Remove what a move that was ended has copied."""
    _remove(target, schema, f"name = '{MARK}' AND value = {number:d}", remove_if=True)


def remove_original(source: Connection, schema: str) -> None:
    """Remove the original that a move has left behind."""
    _remove(source, schema, "name = 'id'", remove_if=False)


def _remove(connection: Connection, schema: str, condition: str, *, remove_if: bool) -> None:
    """Remove a schema if a counter is there, or is not there. Nobody can write one in between.

    Reads that still run hold up the removal, but it holds up no others for long: it gives up soon, and tries again.
    """

    def remove() -> None:
        if not exists(connection, schema):
            return
        run(connection, f"LOCK TABLE {schema}.counters IN ACCESS EXCLUSIVE MODE")
        row = run(connection, f"SELECT 1 FROM {schema}.counters WHERE {condition}").fetchone()
        if bool(row) == remove_if:
            drop(connection, schema)

    remove_in_turns(connection, REMOVAL_PATIENCE, remove)


def locked(connection: Connection, schema: str) -> bool:
    sql = f"SELECT value FROM {schema}.counters WHERE name = 'id' FOR UPDATE"
    return run(connection, sql).fetchone() is not None


def run(connection: Connection, sql: str, params: Sequence[Any] = ()) -> Cursor:
    return connection.execute(sql, params or None)
