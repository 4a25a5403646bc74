"""A request and a response as plain values: what the CRM's door takes and gives."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from moorage.http.spool import SpooledBody

Headers: TypeAlias = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Request:
    """`path` and `query` are raw (percent-encoded, as on the wire); header names are lower case.

    A body that is too long for memory lies on disk: `whole` and `file` read it wherever it is.
    """

    method: str
    path: bytes
    query: bytes = b""
    headers: Headers = field(default_factory=list)
    body: "bytes | SpooledBody" = b""
    scheme: str = "http"
    version: str = "1.1"  # Of HTTP, as the one that sent the request speaks it.
    client: str = ""  # The address that the request came from; empty for one that came over no socket.

    def header(self, name: bytes) -> str | None:
        """The first value of a header (lower-case name), or None."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None

    async def whole(self) -> bytes:
        """All of the body. Raises TooBusy, and what is said of a disk in trouble."""
        body = self.body
        return body if isinstance(body, bytes) else await body.whole()

    def file(self) -> BinaryIO:
        """The body, to be read from its beginning; in a thread, as it may lie on a disk."""
        body = self.body
        return BytesIO(body) if isinstance(body, bytes) else body.file()


class Parts:
    """A body that comes in parts, `length` bytes in all.

    The generator is closed once the parts are sent, or nobody waits for them any more. One whose first part was never
    asked for is left as it is, so it opens what it needs itself.
    """

    __slots__ = ("_length", "parts")

    def __init__(self, length: int, parts: AsyncGenerator[bytes, None]) -> None:
        self._length = length
        self.parts = parts

    def __len__(self) -> int:
        return self._length


@dataclass(slots=True)
class Response:
    """`headers` hold no framing: whoever writes the response adds Content-Length."""

    status: int
    body: bytes | Parts = b""
    headers: Headers = field(default_factory=list)

    @property
    def text(self) -> bytes:
        """The body, of an answer that is known to come in one piece."""
        assert isinstance(self.body, bytes)
        return self.body
