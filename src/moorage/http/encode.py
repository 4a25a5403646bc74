"""Encodes a response for the wire."""

import http

from moorage.http.message import Headers, Response

BODILESS = frozenset({204, 304})
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}
STATUS_LINES = {
    status: f"HTTP/1.1 {status} {_PHRASES.get(status, '')}\r\n".encode() for status in range(100, 1000)
}
CLOSE = b"connection: close\r\n"
KEEP = b"connection: keep-alive\r\n"  # For clients of HTTP/1.0, which assume the end of the connection without it.


def encode(response: Response, always: Headers, body: bytes, *, connection: bytes) -> bytes:
    """The bytes of a response. `always` holds headers of every response, such as Date.

    `body` follows the head. It is empty for HEAD and for streamed answers; Content-Length still is the length of
    `response.body`. `connection` is the line of the Connection header, or empty.
    """
    lines = [STATUS_LINES[response.status]]
    lines += [b"%b: %b\r\n" % pair for pair in always]
    lines += [b"%b: %b\r\n" % pair for pair in response.headers]
    if response.status not in BODILESS:
        lines.append(b"content-length: %d\r\n" % len(response.body))
    if connection:
        lines.append(connection)
    head = b"".join(lines)
    if head.count(b"\n") != len(lines) or head.count(b"\r") != len(lines):
        raise ValueError("a response header contains a line break")
    if response.status in BODILESS:
        return head + b"\r\n"
    return b"%b\r\n%b" % (head, body)


def lines_of(headers: Headers) -> bytes:
    """The lines of headers, each with its line break."""
    return b"\r\n".join([*map(b": ".join, headers), b""])
