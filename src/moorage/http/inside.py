"""Calls that the server makes to itself. They go through the same door as a client's, over a connection without socket.

So whatever the door checks, counts and notes of calls, it does with these, too.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

import httptools
import msgspec

from moorage.errors import MoorageError
from moorage.http.encode import lines_of
from moorage.http.message import Headers

Address = tuple[str, int]
MOST_PARTS = 1000  # That wait for a reader. A slower one gets no more.


class InsideBroken(MoorageError):
    """The server broke a call of its own off, because it stops or because the app did so."""

    code = "server_stopping"

    def __init__(self) -> None:
        super().__init__(
            "The answer broke off.", help="Look whether the call was done, before you repeat it."
        )


class InsideAnswer(msgspec.Struct, frozen=True):
    """The names of `headers` are in lower case. Without `is_whole`, the body was longer than the caller wanted."""

    status: int
    headers: Headers
    body: bytes
    is_whole: bool = True

    def texts(self) -> dict[str, str]:
        """The headers as texts, by their names."""
        return {name.decode("latin-1"): value.decode("latin-1") for name, value in self.headers}


def with_query(path: str, query: Mapping[str, Any] | None) -> str:
    """The target of a call to a path, which is percent-encoded already."""
    return f"{path}?{urlencode(query, quote_via=quote)}" if query else path


def content_of(body: Any) -> bytes:
    """The body of a call: bytes as they are, anything else as JSON, and nothing for None."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else msgspec.json.encode(body)


class InsideCalls:
    """Makes calls to one origin of this process. `open` is called when the origin is served."""

    def __init__(self) -> None:
        self._new_protocol: Callable[[], asyncio.Protocol] | None = None

    def open(self, new_protocol: Callable[[], asyncio.Protocol]) -> None:
        """From now on, calls go to connections of this kind."""
        self._new_protocol = new_protocol

    async def call(
        self, method: str, target: str, headers: Headers, body: bytes, *, client: Address, most: int
    ) -> InsideAnswer:
        """Make a call. `target` is a percent-encoded path with its query, and `client` the address it is made for.

        Of an answer of more than `most` bytes there is only the head. Raises InsideBroken.
        """
        assert self._new_protocol is not None, "the origin is not served yet"
        connection = _Connection(self._new_protocol(), client, most)
        connection.begin()
        connection.has_no_body = method == "HEAD"
        connection.send(_request(method, target, headers, body))
        try:
            return await connection.answer
        finally:
            connection.abort()

    async def parts(self, target: str, headers: Headers, *, client: Address) -> AsyncGenerator[bytes, None]:
        """The body of the answer to a GET, as it comes. It ends with the answer, or when nobody wants more of it."""
        assert self._new_protocol is not None, "the origin is not served yet"
        parts = asyncio.Queue[bytes | None]()
        connection = _Connection(self._new_protocol(), client, 0, parts.put_nowait)

        def end(answer: asyncio.Future[InsideAnswer]) -> None:
            answer.exception()  # Also an answer that broke off has only ended.
            parts.put_nowait(None)

        connection.answer.add_done_callback(end)
        connection.begin()
        connection.send(_request("GET", target, headers, b""))
        try:
            while parts.qsize() < MOST_PARTS and (part := await parts.get()) is not None:
                yield part
        finally:
            connection.abort()


def _request(method: str, target: str, headers: Headers, body: bytes) -> bytes:
    lines = [(b"Host", b"localhost"), *headers, (b"Connection", b"close")]
    if body or method not in {"GET", "HEAD", "DELETE"}:
        lines.append((b"Content-Length", b"%d" % len(body)))
    return b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method.encode(), target.encode(), lines_of(lines), body)


class _Connection(asyncio.Transport):
    """Both ends of a connection: the transport of the server's protocol, and the client that reads its answer."""

    def __init__(
        self,
        protocol: asyncio.Protocol,
        client: Address,
        most: int,
        on_part: Callable[[bytes], None] | None = None,
    ) -> None:
        super().__init__({"peername": client, "sockname": ("127.0.0.1", 0)})
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._most = most
        self._on_part = on_part  # Gets the parts of the body instead of the answer.
        self._parser = httptools.HttpResponseParser(self)
        self._headers: Headers = []
        self._parts: list[bytes] = []
        self._size = 0
        self._closing = False
        self.has_no_body = False  # Whatever its head says: so it is with the answer to a HEAD.
        self.answer: asyncio.Future[InsideAnswer] = self._loop.create_future()

    def begin(self) -> None:
        self._protocol.connection_made(self)

    def send(self, data: bytes) -> None:
        self._protocol.data_received(data)

    # What the server's protocol calls.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self.answer.done():
            self._parser.feed_data(data)

    def is_closing(self) -> bool:
        return self._closing

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._loop.call_soon(self._lost)

    def abort(self) -> None:
        self.close()

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """The whole request was handed over at once."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def _lost(self) -> None:
        self._protocol.connection_lost(None)
        if not self.answer.done():
            self.answer.set_exception(InsideBroken())

    # What the parser calls.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self._parser.get_status_code() < 200:
            self._headers = []  # The head of the answer itself follows.
        elif self.has_no_body:
            self._finish(b"", is_whole=True)

    def on_body(self, part: bytes) -> None:
        if self._on_part is not None:
            self._on_part(part)
            return
        self._size += len(part)
        if self._size > self._most:
            self._finish(b"", is_whole=False)
            self.abort()
        else:
            self._parts.append(part)

    def on_message_complete(self) -> None:
        if self._parser.get_status_code() >= 200:
            self._finish(b"".join(self._parts), is_whole=True)

    def _finish(self, body: bytes, *, is_whole: bool) -> None:
        if not self.answer.done():
            status = self._parser.get_status_code()
            self.answer.set_result(InsideAnswer(status, self._headers, body, is_whole))
