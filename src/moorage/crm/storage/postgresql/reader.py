"""One connection for reads, which the event loop asks itself.

For each statement, a cursor of psycopg takes a lock, starts a timer, and begins and ends to watch the socket. Here the
socket is always watched, and libpq is asked directly. A small answer takes 19 microseconds of CPU time instead of 46
(measured). psycopg still opens the connection, and translates values to what PostgreSQL sends and back.
"""

import asyncio
import contextlib
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Any, TypeAlias

import psycopg
from psycopg import AsyncConnection
from psycopg.adapt import PyFormat, Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

from moorage.bounded import Bounded
from moorage.crm.storage.postgresql.session import is_usable
from moorage.crm.storage.postgresql.trouble import Unprepared
from moorage.storage.postgresql import TextWithoutNul

Rows: TypeAlias = list[tuple[Any, ...]]

MOST_PREPARED = 500  # The server remembers each, so a connection that has so many has to end.
_CANCEL_SECONDS = 5.0
_Statement: TypeAlias = tuple[bytes, tuple[int, ...]]  # The SQL, and the types of its parameters.


class Reader:
    """`connection` is idle, and in autocommit mode. It is for nobody else any more. `patience`, in seconds, is for one
    statement; the server should end it before.

    One statement runs at a time. The second time that the same one is asked, it is prepared.
    """

    def __init__(self, connection: AsyncConnection[Any], patience: float) -> None:
        self._connection = connection
        self._patience = patience
        self._libpq = connection.pgconn
        self._libpq.nonblocking = 1
        connection.adapters.register_dumper(str, TextWithoutNul)
        self._transformer = Transformer(connection)
        self._prepares = connection.prepare_threshold is not None
        self._asked_once: Bounded[_Statement, None] = Bounded(MOST_PREPARED)
        self._prepared: dict[_Statement, bytes] = {}
        self._numbers = count()
        self._answer: asyncio.Future[PGresult] | None = None
        self._result: PGresult | None = None
        self._socket = self._libpq.socket
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._receive)
        self._closed = False

    def is_usable(self) -> bool:
        """Whether it can be asked. If the server has ended the connection, its last message can be read."""
        if self._closed or len(self._prepared) >= MOST_PREPARED:
            return False
        return is_usable(self._libpq)

    async def fetch(self, sql: str, params: Sequence[Any]) -> Rows:
        """The rows of a statement, whose parameters are `%s`. Raises psycopg.Error, TimeoutError.

        If the call is cancelled or takes too long, the statement is cancelled. Then the connection is closed, because
        the server may be late, and end the next statement instead.
        """
        transformer, libpq = self._transformer, self._libpq
        values = transformer.dump_sequence(params, [PyFormat.AUTO] * len(params))
        types, formats = transformer.types or (), transformer.formats
        statement = (_numbered(sql), types)
        try:
            name = self._prepared.get(statement) or await self._prepare(statement)
            if name is not None:
                libpq.send_query_prepared(name, values, formats, Format.BINARY)
                with contextlib.suppress(Unprepared):
                    return self._rows(await self._answered())
                # A column of that name has another type now, because the schema was replaced: prepare it again.
                del self._prepared[statement]
            libpq.send_query_params(statement[0], values, types, formats, Format.BINARY)
            return self._rows(await self._answered())
        except (asyncio.CancelledError, TimeoutError):
            await self._cancel()
            raise

    def _rows(self, result: PGresult) -> Rows:
        self._transformer.set_pgresult(result)
        return self._transformer.load_rows(0, result.ntuples, tuple)

    def close(self) -> None:
        """Close the connection. A statement that still runs fails."""
        self._close(psycopg.OperationalError("The connection was closed."))

    def _close(self, reason: psycopg.OperationalError) -> None:
        if self._closed:
            return
        self._closed = True
        if not self._loop.is_closed():
            self._loop.remove_reader(self._socket)
            self._loop.remove_writer(self._socket)
        self._libpq.finish()  # Unlike `AsyncConnection.close`, this works in any event loop.
        self._fail(reason)

    def _fail(self, reason: Exception) -> None:
        if self._answer is not None and not self._answer.done() and not self._loop.is_closed():
            self._answer.set_exception(reason)

    async def _prepare(self, statement: _Statement) -> bytes | None:
        """The name of the prepared statement; None if it isn't worth to be prepared."""
        if not self._prepares:
            return None
        if statement not in self._asked_once:
            self._asked_once[statement] = None
            return None
        name = b"moorage_%d" % next(self._numbers)
        self._libpq.send_prepare(name, *statement)
        await self._answered()
        self._prepared[statement] = name
        return name

    async def _answered(self) -> PGresult:
        """The answer to what was sent last."""
        self._answer = self._loop.create_future()
        if self._libpq.flush():
            self._loop.add_writer(self._socket, self._send)
        timer = self._loop.call_later(self._patience, self._fail, TimeoutError())
        try:
            result = await self._answer
        finally:
            timer.cancel()
        if result.status == ExecStatus.FATAL_ERROR:
            raise error_from_result(result)
        return result

    def _send(self) -> None:
        """Send what there was no room for before."""
        try:
            if not self._libpq.flush():
                self._loop.remove_writer(self._socket)
        except psycopg.OperationalError as error:
            self._close(error)

    def _receive(self) -> None:
        libpq = self._libpq
        try:
            libpq.consume_input()
            while not libpq.is_busy():
                result = libpq.get_result()
                if result is None:
                    break
                self._result = result
            else:
                return
        except psycopg.OperationalError as error:
            self._close(error)
            return
        result, self._result = self._result, None
        if self._answer is not None and not self._answer.done() and result is not None:
            self._answer.set_result(result)

    async def _cancel(self) -> None:
        """Have the server end the statement."""
        if not self._closed:
            with contextlib.suppress(psycopg.Error, OSError):
                await self._connection.cancel_safe(timeout=_CANCEL_SECONDS)
        self.close()


@lru_cache(maxsize=2_000)
def _numbered(sql: str) -> bytes:
    """A statement with `$1`, `$2` and so on in the place of `%s`, and `%` in the place of `%%`."""
    numbers = count(1)
    return re.sub("%[s%]", lambda found: f"${next(numbers)}" if found[0] == "%s" else "%", sql).encode()
