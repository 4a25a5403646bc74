"""A whole request and a whole response, as plain values: what the CRM's door takes and gives."""

from dataclasses import dataclass, field
from typing import TypeAlias

Headers: TypeAlias = list[tuple[bytes, bytes]]


@dataclass(slots=True)
class Request:
    """`path` and `query` are raw (percent-encoded, as on the wire); header names are lower case."""

    method: str
    path: bytes
    query: bytes = b""
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    scheme: str = "http"
    version: str = "1.1"  # Of HTTP, as the one that sent the request speaks it.
    client: str = ""  # The address that the request came from; empty for one that came over no socket.

    def header(self, name: bytes) -> str | None:
        """The first value of a header (lower-case name), or None."""
        for key, value in self.headers:
            if key == name:
                return value.decode("latin-1")
        return None


@dataclass(slots=True)
class Response:
    """`headers` hold no framing: whoever writes the response adds Content-Length."""

    status: int
    body: bytes = b""
    headers: Headers = field(default_factory=list)
