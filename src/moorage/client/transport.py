"""Sends calls and reads responses over connections that stay open between calls."""

import contextlib
import http.client
import selectors
import ssl
from collections import deque
from collections.abc import Iterator
from urllib.parse import SplitResult

from moorage.client.call import Call
from moorage.client.errors import Unreachable
from moorage.client.response import Response, raise_for_status


class Transport:
    """Threads may share it. `timeout`, in seconds, limits the wait for a connection and for each part of a response."""

    def __init__(self, base: SplitResult, *, timeout: float) -> None:
        self._base = base
        self._timeout = timeout
        self._idle: deque[http.client.HTTPConnection] = deque()

    def send(self, call: Call) -> Response:
        """Send the call and return the response. Raises Unreachable."""
        connection = self.take()
        try:
            with self.telling_failures(sent=False):
                if connection.sock is None:
                    connection.connect()
            with self.telling_failures(sent=True):
                response = whole(self.begin(connection, call))
        except Unreachable:
            connection.close()
            raise
        self.give_back(connection)
        return response

    def stream(self, call: Call) -> Iterator[bytes]:
        """Send the call over a connection of its own, and yield the lines of its response as they come.

        Raises Unreachable, and ApiError for a status of 400 or more.
        """
        connection = self._new_connection()
        try:
            with self.telling_failures(sent=False):
                connection.connect()
            with self.telling_failures(sent=True):
                response = self.begin(connection, call)
                if response.status >= 400:
                    raise_for_status(whole(response))
                while line := response.readline():
                    yield line
        finally:
            connection.close()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    def begin(self, connection: http.client.HTTPConnection, call: Call) -> http.client.HTTPResponse:
        """Send the call, and return the response without its body."""
        connection.request(call.method, self._base.path.rstrip("/") + call.target, call.body, call.headers)
        return connection.getresponse()

    def take(self) -> http.client.HTTPConnection:
        """The connection that was used last, so that connections beyond those that are needed become idle and end."""
        try:
            connection = self._idle.pop()
        except IndexError:
            return self._new_connection()
        if connection.sock is not None and _has_ended(connection):
            connection.close()
        return connection

    def give_back(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection whose response was read to its end for another call."""
        self._idle.append(connection)

    def _new_connection(self) -> http.client.HTTPConnection:
        host, port = self._base.hostname or "", self._base.port
        if self._base.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    @contextlib.contextmanager
    def telling_failures(self, *, sent: bool) -> Iterator[None]:
        """Raises Unreachable if something goes wrong within. `sent` is false as long as the call is not on its way."""
        try:
            yield
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(self._explain(error), sent=sent) from error

    def _explain(self, error: Exception) -> str:
        address = f"{self._base.scheme}://{self._base.netloc.rpartition('@')[2]}"
        match error:
            case ConnectionRefusedError():
                return f"Nothing listens at {address}"
            case TimeoutError():
                return f"{address} did not answer within {self._timeout:g} s"
            case http.client.RemoteDisconnected():
                return f"{address} closed the connection without an answer"
            case ssl.SSLError(reason="WRONG_VERSION_NUMBER" | "HTTP_REQUEST"):
                return f"{address} does not speak TLS. Does its address begin with http://?"
            case OSError(strerror=str(reason)):
                return f"{address} can't be reached: {reason}"
            case _:
                return f"{address} can't be reached: {error or type(error).__name__}"


def whole(response: http.client.HTTPResponse) -> Response:
    """The response with its body."""
    headers = [(name.lower(), value) for name, value in response.getheaders()]
    return Response(response.status, response.reason, headers, response.read())


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """True if the idle socket can be read: the server has closed it, or has sent bytes that belong to no call."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))
