"""HTTP/1.1 connections to upstreams that stay open between calls. Every call passes here, so this is written for speed.

A `Borrower` asks the pool for a connection and writes its request there. Its callbacks get the parts of the answer.
"""

import asyncio
import math
import ssl
from typing import Protocol, cast

import httptools

from moorage.gateway.errors import UpstreamError, UpstreamInvalid, UpstreamTimeout, UpstreamUnreachable
from moorage.gateway.limits import Limits
from moorage.gateway.outbox import Outbox
from moorage.gateway.rewrite import AnswerHead
from moorage.gateway.target import Origin
from moorage.logs import Log

MAX_ANSWER_HEAD = 256 * 1024
_VERSIONS = (b"HTTP/1.1 ", b"HTTP/1.0 ")
_FINAL = frozenset(version + digit for version in _VERSIONS for digit in (b"2", b"3", b"4", b"5"))
_FINAL_LENGTH = 10  # The length of the texts in `_FINAL`.
_STATUS_LENGTH = len(b"HTTP/1.1 200")  # An answer of this length shows its status.
_INTERIM = ord("1")
_SWITCHING = b"101"

log = Log(__name__)


class Borrower(Protocol):
    """Makes a request over a connection of the pool. It loses the connection at `on_complete` or `on_failure`.

    A borrower that `needs_new` gets a connection that was never used, because a used one had ended.
    """

    needs_new: bool

    @property
    def switches(self) -> bool:
        """True if the request asks to turn the connection into a WebSocket."""

    def on_connected(self, upstream: "UpstreamConnection") -> None: ...
    def on_unreachable(self, error: UpstreamError) -> None: ...
    def on_head(self, status: int, head: AnswerHead) -> None: ...
    def on_part(self, part: bytes) -> None: ...
    def on_flush(self) -> None:
        """All parts that have arrived so far were passed to `on_part`; more will come."""

    def on_switched(
        self, head: AnswerHead, transport: asyncio.Transport, socket: asyncio.Transport, rest: bytes
    ) -> None:
        """The connection is a WebSocket now, and the pool has given it up. `socket` is the transport below TLS.

        `rest` holds the bytes that followed the answer's head.
        """

    def on_complete(self) -> None: ...
    def on_failure(self, error: UpstreamError, *, stale: bool) -> None:
        """The request failed. `stale` means that a kept connection ended before the first byte of an answer."""

    def pause_sending(self) -> None: ...
    def resume_sending(self) -> None: ...


class Lender(Protocol):
    """The pool's side of connections to one origin. It lends them to borrowers."""

    origin: Origin
    limits: Limits
    loop: asyncio.AbstractEventLoop
    outbox: Outbox

    def give_back(self, upstream: "UpstreamConnection") -> None:
        """The connection can carry another request."""

    def lost(self, upstream: "UpstreamConnection") -> None:
        """The connection can carry no request any more."""

    def remember_session(self, secured: ssl.SSLObject) -> None:
        """Let later connections resume the TLS session of this one."""


class UpstreamConnection(asyncio.Protocol):
    """A connection to an upstream. `deadline` is the time, by the loop's clock, at which it is given up."""

    __slots__ = (
        "_bare",
        "_beginning",
        "_borrower",
        "_complete",
        "_ended_well",
        "_has_length",
        "_head_size",
        "_headers",
        "_in_head",
        "_keep",
        "_lender",
        "_parser",
        "_paused",
        "_request_complete",
        "_silent",
        "_socket",
        "_status",
        "_transport",
        "deadline",
        "is_open",
        "used",
    )  # fmt: skip

    def __init__(self, lender: Lender) -> None:
        self._lender = lender
        self._borrower: Borrower | None = None
        self._parser = httptools.HttpResponseParser(self)
        self.deadline = math.inf
        self.is_open = False
        self.used = False  # True if it has carried a request before.
        self._paused = False
        self._ended_well = False

    # What borrowers use.

    @property
    def origin(self) -> Origin:
        return self._lender.origin

    @property
    def is_usable(self) -> bool:
        """True if it can carry a request: it is neither closed nor closing."""
        return self.is_open and not self._transport.is_closing()

    def begin(self, borrower: Borrower, *, bare: bool) -> None:
        """Start a request. With `bare`, the answer has no body, as for HEAD."""
        self._borrower = borrower
        self._bare = bare
        self._request_complete = self._complete = self._keep = False
        self._in_head = self._silent = True
        self._beginning = b""
        self._status = self._head_size = 0
        self._has_length = False
        self._headers: list[tuple[bytes, bytes]] = []
        self.deadline = math.inf

    def write(self, data: bytes) -> None:
        """Send a part of the request. More parts will follow."""
        self._lender.outbox.write(self._transport, data)

    def end(self, data: bytes) -> None:
        """Send the last part of the request, which may be empty, at the end of the loop's turn.

        The time limit for the answer begins now.
        """
        self._request_complete = True
        self.deadline = self._lender.loop.time() + self._lender.limits.answer
        if data:
            self._lender.outbox.put(self._transport, data)

    @property
    def is_paused(self) -> bool:
        """True if it has stopped reading, because the borrower can't take more of the answer."""
        return self._paused

    def pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._socket.pause_reading()
            if not self._in_head:
                self.deadline = self._lender.loop.time() + self._lender.limits.stalled

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            self._socket.resume_reading()
            if not self._in_head:
                self.deadline = self._lender.loop.time() + self._lender.limits.idle

    def drop(self) -> None:
        """Close at once, even during a request. After this, no callback of the borrower is called."""
        self._borrower = None
        self.is_open = False
        self._transport.abort()

    # What the pool and the transport call.

    def on_deadline(self) -> None:
        if self._borrower is None:
            self.drop()
        else:
            host = self._lender.origin.host
            self._fail(UpstreamTimeout(f"{host} did not answer in time.", help="Try again later."))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Reading is paused below TLS. If a TLS transport is paused and the host closes the connection, the transport
        # loses the bytes that it has not decrypted, and with them the end of an answer.
        self._transport = self._socket = cast("asyncio.Transport", transport)
        self.is_open = True

    def secure(self, transport: asyncio.Transport) -> None:
        """Send and receive through TLS from now on."""
        self._transport = transport

    def eof_received(self) -> None:
        """The host has ended its side properly. A connection that was cut below TLS ends without this call."""
        self._ended_well = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_open = False
        self._lender.lost(self)
        if self._borrower is not None:
            self._end_of_data(exc)
        # The parser refers to this object. The cycle would keep the buffers of TLS until the next garbage collection.
        del self._parser

    def _end_of_data(self, exc: Exception | None) -> None:
        if exc is None and self._ended_well and not self._in_head and not self._has_length:
            self._finish()
        else:
            host = self._lender.origin.host
            error = UpstreamUnreachable(f"{host} closed the connection before its answer was complete.")
            self._fail(
                error, stale=self.used and self._silent and not self._beginning and not self._head_size
            )

    def data_received(self, data: bytes) -> None:
        borrower = self._borrower
        if borrower is None:
            self.drop()
            return
        if self._silent:
            if self._beginning or data[:_FINAL_LENGTH] not in _FINAL:
                data = self._require_beginning(self._beginning + data)
                if not data:
                    return
                self._beginning = b""
            self._silent = False
        self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._on_unparsed(error, data)
            return
        if self._borrower is None:
            return
        if self._complete:
            self._finish()
        elif self._head_size > MAX_ANSWER_HEAD:
            self._fail(self._invalid())
        elif not self._in_head:
            self.deadline = self._lender.loop.time() + self._lender.limits.idle
            borrower.on_flush()

    def _on_unparsed(self, error: Exception, data: bytes) -> None:
        if isinstance(error, httptools.HttpParserUpgrade) and self._status == 101:
            self._switch(data[error.args[0] :])
        elif self._complete and self._borrower is not None:
            self._keep = False  # Only the bytes after the answer can't be parsed, such as a body after a 204.
            self._finish()
        else:
            self._on_invalid(error)

    def _require_beginning(self, data: bytes) -> bytes:
        """The bytes from the beginning of the final answer, or none if it has not begun yet.

        An answer has to begin with HTTP/1.1 or HTTP/1.0, which the parser does not check: it takes RTSP as well. The
        same holds for the answer after an interim one (1xx), which is only a head.
        """
        while data.startswith(_VERSIONS) and len(data) >= _STATUS_LENGTH:
            if data[9] != _INTERIM or data.startswith(_SWITCHING, 9):
                return data
            end = data.find(b"\r\n\r\n") + 4
            if self._head_size + (len(data) if end < 4 else end) > MAX_ANSWER_HEAD:
                self._fail(self._invalid())
                return b""
            if end < 4:
                break
            try:
                self._parser.feed_data(data[:end])
            except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
                self._on_invalid(error)
                return b""
            self._head_size += end
            data = data[end:]
        if data.startswith(_VERSIONS) or any(version.startswith(data) for version in _VERSIONS):
            self._beginning = data  # More bytes are needed.
        else:
            self._on_invalid(httptools.HttpParserError("it does not begin with HTTP/1.1 or HTTP/1.0"))
        return b""

    def pause_writing(self) -> None:
        if self._borrower is not None:
            self.deadline = self._lender.loop.time() + self._lender.limits.idle
            self._borrower.pause_sending()

    def resume_writing(self) -> None:
        if self._borrower is not None:
            if self._request_complete:
                self.deadline = self._lender.loop.time() + self._lender.limits.answer
            else:
                self.deadline = math.inf
            self._borrower.resume_sending()

    # What the parser calls.

    def on_message_begin(self) -> None:
        if self._complete:
            self._keep = False  # This is a second answer to the same request.

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        if self._complete or self._borrower is None:
            return
        self._status = self._parser.get_status_code()
        if self._status < 200:
            if self._status == 101:
                self._require_switch()
            else:
                self._headers = []
            return
        self._in_head = False
        self._head_size = 0
        head = AnswerHead(self._headers)
        self._headers = []  # The headers that come from now on are trailers. They are not used.
        self._has_length = head.sized or head.chunked
        self._borrower.on_head(self._status, head)
        if self._bare:
            self._complete = True
            self._keep = self._has_length and self._parser.should_keep_alive()

    def _require_switch(self) -> None:
        assert self._borrower is not None
        protocols = [value.strip().lower() for name, value in self._headers if name.lower() == b"upgrade"]
        if not (self._borrower.switches and self._parser.should_upgrade() and protocols == [b"websocket"]):
            raise httptools.HttpParserError("it switches protocols, which was not asked for")

    def _switch(self, rest: bytes) -> None:
        """Give the transport to the borrower. The pool may open another connection instead."""
        borrower, self._borrower = self._borrower, None
        assert borrower is not None
        self.is_open = False
        self._lender.lost(self)
        del self._parser
        borrower.on_switched(AnswerHead(self._headers), self._transport, self._socket, rest)

    def on_body(self, part: bytes) -> None:
        self._head_size = 0
        if self._complete:
            self._keep = False
        elif self._borrower is not None:
            self._borrower.on_part(part)

    def on_message_complete(self) -> None:
        if self._status >= 200 and not self._complete:
            self._complete = True
            self._keep = self._parser.should_keep_alive()

    def _finish(self) -> None:
        """The answer is complete: let the borrower go, and keep the connection if it can carry another request."""
        borrower, self._borrower = self._borrower, None
        assert borrower is not None
        if not self.used and (secured := self._transport.get_extra_info("ssl_object")) is not None:
            self._lender.remember_session(secured)
        if self._keep and self._request_complete and self.is_usable:
            self.used = True
            self.resume()
            if self._bare:
                self._parser = httptools.HttpResponseParser(self)  # The old parser still waits for a body.
            self._lender.give_back(self)
        else:
            self.drop()
        borrower.on_complete()

    def _fail(self, error: UpstreamError, *, stale: bool = False) -> None:
        borrower = self._borrower
        self.drop()
        if borrower is not None:
            borrower.on_failure(error, stale=stale)

    def _on_invalid(self, error: Exception) -> None:
        cause = error.__context__
        if isinstance(cause, httptools.HttpParserError):
            error, cause = cause, None
        if cause is not None:
            log.error("gateway.failed", exc_info=cause)
        else:
            log.warning("upstream.invalid", host=self._lender.origin.host, error=str(error))
        self._fail(self._invalid())

    def _invalid(self) -> UpstreamInvalid:
        return UpstreamInvalid(f"{self._lender.origin.host} sent something that is not an HTTP answer.")
