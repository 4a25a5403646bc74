"""How a connection to PostgreSQL is opened, and whether it can be used again."""

import contextlib
import random
import time
from collections.abc import Iterator, Mapping
from typing import Any, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.types.numeric import Int8BinaryDumper, Int8Dumper

from moorage.storage.postgresql import CONNECTION, has_message

LIFETIME = 1800.0  # Seconds. The memory of a server's process grows with the tables that it has met.
READ_SECONDS = 30  # A read that takes longer is given up.

_DEFAULTS = {**CONNECTION, "application_name": "moorage", "client_encoding": "utf8"}
# No statement of ours is long enough for a compiler or for parallel workers: they only add milliseconds. They are set
# by a statement, because PgBouncer takes no options at connect. In its transaction mode they may get lost; then reads
# are a little slower, and only Moorage itself ends the long ones.
_SETTINGS = (
    "SELECT set_config('jit', 'off', false), set_config('max_parallel_workers_per_gather', '0', false),"
    f" set_config('statement_timeout', '{READ_SECONDS}s', false), pg_backend_pid()"
)
PREPARE_AFTER = 5  # A statement that is run so often on one connection is prepared.


class Life:
    """When a connection has to end. Those of one process end at different times."""

    __slots__ = ("_end",)

    def __init__(self) -> None:
        self._end = time.monotonic() + LIFETIME * random.uniform(0.8, 1.0)  # noqa: S311 - no secret

    def is_over(self) -> bool:
        return time.monotonic() >= self._end


def connection_arguments(url: str) -> Mapping[str, Any]:
    """The arguments of `connect` for the server with this URL."""
    return {**_DEFAULTS, **conninfo_to_dict(url), "autocommit": True}


def open_sync(arguments: Mapping[str, Any]) -> psycopg.Connection:
    connection = psycopg.connect(**arguments)
    try:
        _begin(connection, connection.execute(_SETTINGS).fetchone())
    except BaseException:
        connection.close()
        raise
    return connection


async def open_async(arguments: Mapping[str, Any]) -> psycopg.AsyncConnection:
    connection = await psycopg.AsyncConnection.connect(**arguments)
    try:
        _begin(connection, await (await connection.execute(_SETTINGS)).fetchone())
    except BaseException:
        connection.pgconn.finish()
        raise
    return connection


def _begin(connection: "psycopg.Connection | psycopg.AsyncConnection", settings: Any) -> None:
    """Prepare statements that repeat, except through a pooler: each transaction may get another process of the server.

    A pooler tells its clients another number than that of the server's process. From 1.21 on, PgBouncer can keep
    prepared statements, but by default only since 1.24; nothing tells whether it does.
    """
    is_pooled = settings[-1] != connection.pgconn.backend_pid
    connection.prepare_threshold = None if is_pooled else PREPARE_AFTER
    # Always in this width: else each row of small and large numbers would be another statement to prepare.
    # Lists are sent as text, in the width of the first list of a connection, so this width holds for them, too.
    connection.adapters.register_dumper(int, Int8Dumper)
    connection.adapters.register_dumper(int, Int8BinaryDumper)


def is_usable(libpq: PGconn) -> bool:
    """Whether an idle connection can be used again. If the server has ended it, there is a message to read."""
    return libpq.transaction_status == TransactionStatus.IDLE and not has_message(libpq.socket)


@contextlib.contextmanager
def long_transaction(
    connection: psycopg.Connection, isolation: LiteralString = "READ COMMITTED"
) -> Iterator[None]:
    """A transaction whose statements may take long."""
    with connection.transaction():
        connection.execute(
            "SET TRANSACTION ISOLATION LEVEL " + isolation + "; SET LOCAL statement_timeout = 0"
        )
        yield
