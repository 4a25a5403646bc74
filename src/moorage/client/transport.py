"""The socket side of the client: one kept-alive connection per thread."""

import http.client
import selectors
import ssl
import threading
from urllib.parse import SplitResult

from moorage.client.answer import Answer
from moorage.client.call import Call
from moorage.client.errors import Unreachable


class Transport:
    """`timeout` (seconds) bounds the wait for a connection and for each piece of an answer."""

    def __init__(self, base: SplitResult, *, timeout: float) -> None:
        self._base = base
        self._timeout = timeout
        self._kept = threading.local()

    def send(self, call: Call) -> Answer:
        """Raises Unreachable."""
        connection = self._connection()
        connected = False
        try:
            if connection.sock is None:
                connection.connect()
            connected = True
            connection.request(
                call.method, self._base.path.rstrip("/") + call.target, call.body, call.headers
            )
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise Unreachable(self._complaint(error), sent=connected) from error
        headers = [(name.lower(), value) for name, value in response.getheaders()]
        return Answer(response.status, response.reason, headers, body)

    def close(self) -> None:
        """Closes the connection of the calling thread; those of other threads close with them."""
        connection = getattr(self._kept, "connection", None)
        if connection is not None:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._kept, "connection", None)
        if connection is None:
            connection = self._kept.connection = self._new_connection()
        elif connection.sock is not None and _has_ended(connection):
            connection.close()
        return connection

    def _new_connection(self) -> http.client.HTTPConnection:
        host, port = self._base.hostname or "", self._base.port
        if self._base.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=self._timeout, context=context)
        return http.client.HTTPConnection(host, port, timeout=self._timeout)

    def _complaint(self, error: Exception) -> str:
        where = f"{self._base.scheme}://{self._base.netloc.rpartition('@')[2]}"
        match error:
            case ConnectionRefusedError():
                return f"Nothing listens at {where}"
            case TimeoutError():
                return f"{where} did not answer within {self._timeout:g} s"
            case http.client.RemoteDisconnected():
                return f"{where} closed the connection without an answer"
            case _:
                return f"{where} can't be reached: {error or type(error).__name__}"


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """An idle socket with something to read was closed by the server, or is out of step."""
    with selectors.DefaultSelector() as selector:
        selector.register(connection.sock, selectors.EVENT_READ)
        return bool(selector.select(0))
