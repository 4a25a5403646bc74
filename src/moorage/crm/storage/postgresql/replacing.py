"""An organisation's schema is made beside, and takes the place of an older one in one step."""

import contextlib
from collections.abc import Collection, Iterator
from functools import partial

from psycopg import Connection, errors

from moorage.crm.storage.postgresql.outbox import pass_over_acknowledged
from moorage.crm.storage.postgresql.removing import drop, remove_in_turns
from moorage.crm.storage.postgresql.schema import existing, exists, has_counters
from moorage.crm.storage.postgresql.session import long_transaction
from moorage.crm.storage.postgresql.statements import Statements

PATIENCE = 35  # Seconds. A read may take thirty.


@contextlib.contextmanager
def replacing(connection: Connection, schema: str, *, ids_go_on: bool) -> Iterator[str]:
    """A transaction in which a new schema is filled, whose name it gives. At its end, it is the organisation's schema.

    Who is writing to the older one is waited for. Who wants to write later finds no counter of ids, and raises
    StoreClosed. With `ids_go_on`, ids that were given in the older one are not given again, and events that were
    acknowledged there do not come back. The caller holds the lock of `CrmStorage.exclusively`.
    """
    draft, old = _beside(schema)
    left = existing(connection, schema, draft, old)
    is_first = schema not in left
    _drop(connection, left - {schema})  # A killed process may have left the older one.
    with long_transaction(connection):
        new = schema if is_first else draft
        connection.execute(f"CREATE SCHEMA {new}")
        yield new
        if is_first:
            return
        last_id, version = _retire(connection, schema)
        connection.execute(
            f"UPDATE {draft}.counters SET value = greatest(value, %s) + 1 WHERE name = 'version'",
            (version,),
        )
        if ids_go_on:
            sql = f"UPDATE {draft}.counters SET value = greatest(value, %s) WHERE name = 'id'"
            connection.execute(sql, (last_id,))
            if has_counters(connection, schema):
                pass_over_acknowledged(Statements(connection), draft, schema)
        connection.execute(f"ALTER SCHEMA {schema} RENAME TO {old}")
        connection.execute(f"ALTER SCHEMA {draft} RENAME TO {schema}")
    with contextlib.suppress(errors.LockNotAvailable):  # Somebody reads it for long. The next one drops it.
        drop_schemas(connection, old)


def remove_schema(connection: Connection, schema: str) -> None:
    """Remove an organisation's schema, and what a killed process has left beside it."""
    if exists(connection, schema):
        with connection.transaction():
            _retire(connection, schema)
    drop_schemas(connection, schema, *_beside(schema))


def drop_schemas(connection: Connection, *names: str) -> None:
    _drop(connection, existing(connection, *names))


def _drop(connection: Connection, names: Collection[str]) -> None:
    for name in names:
        remove_in_turns(connection, PATIENCE, partial(drop, connection, name))


def _beside(schema: str) -> tuple[str, str]:
    return f"{schema}_new", f"{schema}_old"


def _retire(connection: Connection, schema: str) -> tuple[int, int]:
    """Let nobody write any more. Gives the last id and the version of the metadata; 0 for what is missing."""
    if not has_counters(connection, schema):
        return 0, 0
    counters = f"{schema}.counters"
    connection.execute(f"SELECT value FROM {counters} WHERE name = 'id' FOR UPDATE")
    sql = f"DELETE FROM {counters} WHERE name IN ('id', 'version') RETURNING name, value"
    values: dict[str, int] = dict(connection.execute(sql).fetchall())
    return values.get("id", 0), values.get("version", 0)
