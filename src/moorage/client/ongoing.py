"""A call whose answer is read as it comes, and which another thread may break off."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from moorage.client.call import Call
from moorage.client.response import Response
from moorage.client.transport import Transport, whole

if TYPE_CHECKING:
    import http.client


class OngoingCall:
    """One thread sends the call and reads its answer: `begin`, and then `read` or `lines`, and at last `end`.

    Any thread may break it off, whatever the first one waits for; the server then sees that its caller has gone away.
    """

    def __init__(self, transport: Transport, call: Call) -> None:
        self.status = 0  # Until the head of the answer has come.
        self._transport = transport
        self._call = call
        self._connection: http.client.HTTPConnection | None = transport.take()
        self._lock = threading.Lock()
        self._is_broken_off = False
        self._answer: http.client.HTTPResponse | None = None

    def begin(self) -> str:
        """Send the call, wait for the head of its answer, and give its media type. Raises Unreachable.

        The answer may take as long as it likes: whoever has no more patience breaks the call off.
        """
        connection = self._connection
        assert connection is not None
        with self._transport.telling_failures(sent=False):
            if connection.sock is None:
                connection.connect()
            connection.sock.settimeout(None)
            if self._is_broken_off:  # While there was no socket yet that could be shut down.
                raise ConnectionAbortedError
        with self._transport.telling_failures(sent=True):
            self._answer = self._transport.begin(connection, self._call)
        self.status = self._answer.status
        return (self._answer.getheader("content-type") or "").partition(";")[0].strip().lower()

    def read(self) -> Response:
        """The whole answer. Raises Unreachable."""
        assert self._answer is not None
        with self._transport.telling_failures(sent=True):
            return whole(self._answer)

    def lines(self) -> Iterator[bytes]:
        """The lines of the answer's body, as they come. Raises Unreachable."""
        assert self._answer is not None
        with self._transport.telling_failures(sent=True):
            while line := self._answer.readline():
                yield line

    def break_off(self) -> None:
        """End the call now, if it has not ended: its connection is closed, and the reading thread gets an error."""
        with self._lock:
            self._is_broken_off = True
            if self._connection is not None and self._connection.sock is not None:
                with contextlib.suppress(OSError):
                    self._connection.sock.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Let go of the connection, which is kept for another call if this answer was read to its end."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._answer is not None and self._answer.isclosed() and not self._is_broken_off:
            self._transport.give_back(connection)
        else:
            connection.close()
