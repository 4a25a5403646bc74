"""The connections that are lent to threads, for writes and for work on whole organisations."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from zlib import crc32

from psycopg import Connection

from moorage.crm.storage.postgresql.session import Life, is_usable
from moorage.crm.storage.postgresql.trouble import Unprepared
from moorage.storage.errors import DatabaseUnusable

PATIENCE = 30.0  # Seconds that a thread waits for a connection.


class LentConnections:
    """`open_connection` opens one; there are `count` at most. A thread gets one that knows its organisation, if any is
    free.
    """

    def __init__(self, open_connection: Callable[[], Connection], count: int) -> None:
        self._open = open_connection
        self._count = count
        self._idle: dict[int, tuple[Connection, Life]] = {}
        self._lent = 0
        self._closed = False
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def lend(self, schema: str) -> Iterator[Connection]:
        """Lend a connection. If it does not come back idle, it is thrown away, and with it what it has begun."""
        place = crc32(schema.encode()) % self._count
        connection, life = self._take(place)
        try:
            if connection is None:
                connection, life = self._open(), Life()
            yield connection
        except Unprepared:
            if connection is not None:
                connection.close()  # It would fail again.
            raise
        finally:
            self._give_back(place, connection, life)

    def close(self) -> None:
        with self._changed:
            self._closed = True
            while self._idle:
                self._idle.popitem()[1][0].close()

    def _take(self, place: int) -> tuple[Connection | None, Life]:
        with self._changed:
            if not self._changed.wait_for(lambda: self._lent < self._count, PATIENCE):
                raise DatabaseUnusable(
                    "All connections to the embedded CRM's database are busy.",
                    help="Repeat the call once long work, such as a restore, is done.",
                    kind="busy",
                )
            self._lent += 1
            while self._idle:
                connection, life = self._idle.pop(place if place in self._idle else next(iter(self._idle)))
                if is_usable(connection.pgconn) and not life.is_over():
                    return connection, life
                connection.close()
        return None, Life()

    def _give_back(self, place: int, connection: Connection | None, life: Life) -> None:
        with self._changed:
            self._lent -= 1
            self._changed.notify()
            if connection is None:
                return
            if not self._closed and is_usable(connection.pgconn) and not life.is_over():
                while place in self._idle:
                    place = (place + 1) % self._count
                self._idle[place] = connection, life
            else:
                connection.close()
