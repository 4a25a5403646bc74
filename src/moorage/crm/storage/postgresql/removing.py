"""A schema is removed in turns, so that nobody who reads it waits long or stands against the removal for good."""

import time
from collections.abc import Callable

from psycopg import Connection
from psycopg.errors import DeadlockDetected, LockNotAvailable

from moorage.crm.storage.postgresql.session import long_transaction

# Milliseconds for which a turn may hold up reads. A read locks its tables in another order than the removal. Each may
# have a table for which the other waits; the turn ends long before PostgreSQL looks for that, after a second.
TURN = 200
PAUSE = 0.5  # Seconds until the next turn.


def remove_in_turns(connection: Connection, patience: float, remove: Callable[[], None]) -> None:
    """Call `remove` in a transaction until it gets all its locks. Raises LockNotAvailable after `patience` seconds."""
    end = time.monotonic() + patience
    while True:
        try:
            with long_transaction(connection):
                connection.execute(f"SET LOCAL lock_timeout = '{TURN}ms'")
                remove()
        except (LockNotAvailable, DeadlockDetected):
            if time.monotonic() > end:
                raise
            time.sleep(PAUSE)
        else:
            return


def drop(connection: Connection, schema: str) -> None:
    connection.execute(f"DROP SCHEMA {schema} CASCADE")
