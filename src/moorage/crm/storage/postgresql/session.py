"""How a connection to PostgreSQL is opened, and whether it can be used again."""

import random
import select
import time
from collections.abc import Mapping
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus

LIFETIME = 1800.0  # Seconds. The memory of a server's process grows with the tables that it has met.
READ_SECONDS = 30  # A read that takes longer is given up.

# Used for what the URL does not say. Without them, a server that is cut off would keep its callers for many minutes.
_DEFAULTS = {
    "application_name": "moorage",
    "client_encoding": "utf8",
    "connect_timeout": "5",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "35000",
}
# No statement of ours is long enough for a compiler or for parallel workers: they only add milliseconds. They are set
# by a statement, because PgBouncer takes no options at connect. In its transaction mode they may get lost; then reads
# are a little slower, and only Moorage itself ends the long ones.
_SETTINGS = (
    "SELECT set_config('jit', 'off', false), set_config('max_parallel_workers_per_gather', '0', false),"
    f" set_config('statement_timeout', '{READ_SECONDS}s', false)"
)


class Life:
    """When a connection has to end. Those of one process end at different times."""

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self._end = time.monotonic() + LIFETIME * random.uniform(0.8, 1.0)  # noqa: S311 - no secret

    def is_over(self) -> bool:
        return time.monotonic() >= self._end


def connection_arguments(url: str) -> Mapping[str, Any]:
    """The arguments of `connect` for the server with this URL.

    Statements that repeat are prepared. Behind PgBouncer in transaction mode, that takes PgBouncer 1.22 and a libpq
    that can close prepared statements (17); with an older libpq, none are prepared.
    """
    can_close = psycopg.capabilities.has_send_close_prepared()
    return {
        **_DEFAULTS,
        **conninfo_to_dict(url),
        "autocommit": True,
        "prepare_threshold": 5 if can_close else None,
    }


def open_sync(arguments: Mapping[str, Any]) -> psycopg.Connection:
    connection = psycopg.connect(**arguments)
    try:
        connection.execute(_SETTINGS)
    except BaseException:
        connection.close()
        raise
    return connection


async def open_async(arguments: Mapping[str, Any]) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(**arguments)
    try:
        await connection.execute(_SETTINGS)
    except BaseException:
        connection.pgconn.finish()
        raise
    return connection


def is_usable(connection: psycopg.Connection) -> bool:
    """Whether an idle connection can be used again. If the server has ended it, there is a message to read."""
    if connection.pgconn.transaction_status != TransactionStatus.IDLE:
        return False
    poll = select.poll()
    poll.register(connection.pgconn.socket, select.POLLIN)
    return not poll.poll(0)
