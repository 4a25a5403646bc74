"""Requests and responses as plain values."""

from collections.abc import AsyncGenerator
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

import msgspec

if TYPE_CHECKING:
    from moorage.http.spool import SpooledBody

Headers: TypeAlias = list[tuple[bytes, bytes]]


class Request(msgspec.Struct):
    """`path` and `query` are percent-encoded, as on the wire. The names of headers are in lower case.

    A long body is on disk. `whole` and `file` read the body from memory or from disk.
    """

    method: str
    path: bytes
    query: bytes = b""
    headers: Headers = msgspec.field(default_factory=list)
    body: "bytes | SpooledBody" = b""
    scheme: str = "http"
    version: str = "1.1"  # The HTTP version of the request.
    client: str = ""  # The address of the client; empty for a request that did not come over a socket.

    def header(self, name: bytes) -> str | None:
        """The first header with this name, which is in lower case; None if there is none."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    async def whole(self) -> bytes:
        """The whole body. Raises TooBusy, and the spool's errors of the disk."""
        body = self.body
        return body if isinstance(body, bytes) else await body.whole()

    def file(self) -> BinaryIO:
        """A file with the body, at its beginning. Read it in a thread, because it may be on disk."""
        body = self.body
        return BytesIO(body) if isinstance(body, bytes) else body.file()


class Parts:
    """A body of `length` bytes that comes in parts.

    The generator is closed after the last part, or when the client goes. If the client goes before the first part, the
    generator never starts. So it has to open its files itself, and not get them opened.
    """

    __slots__ = ("_length", "parts")

    def __init__(self, length: int, parts: AsyncGenerator[bytes, None]) -> None:
        self._length = length
        self.parts = parts

    def __len__(self) -> int:
        return self._length


class Response(msgspec.Struct):
    """`headers` contain no Content-Length, because the code that writes the response adds it."""

    status: int
    body: bytes | Parts = b""
    headers: Headers = msgspec.field(default_factory=list)

    @property
    def text(self) -> bytes:
        """The body of a response that is not streamed."""
        assert isinstance(self.body, bytes)
        return self.body
