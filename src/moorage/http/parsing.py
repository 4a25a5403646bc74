"""Parses the requests that arrive on a connection into heads and bodies."""

from abc import abstractmethod
from typing import Any

import httptools

from moorage.errors import MoorageError
from moorage.http.connection import ClientConnection
from moorage.http.errors import RequestInvalid, UriTooLong, internal
from moorage.http.exchange import IGNORED, Exchange, QueuedRequest
from moorage.http.head import (
    MAX_HEAD,
    MAX_HEADERS,
    MAX_TARGET,
    NO_HEAD,
    Head,
    HeaderBlock,
    head_too_large,
    require_small,
    require_valid,
    too_many_headers,
)
from moorage.http.lengths import LengthRepair


class ParsingConnection(ClientConnection):
    """Feeds the parser, which calls the `on_` methods. `DirectProtocol` answers the requests."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._block = NO_HEAD.block  # The headers of the last request.
        self._in_head = False
        self._in_request = False  # True if the parser is in the middle of a request.
        self._raw = b""  # The received part of an incomplete head; empty if the head began inside a read.
        # The received bytes of the head, without bytes that came in one read with another head.
        self._head_size = 0

    @abstractmethod
    def _begin(self, head: Head) -> None:
        """Answer a request whose head has arrived."""

    @abstractmethod
    def _end_of(self, reading: Exchange | None) -> None:
        """A request is complete, whose body went to `reading`; None stands for ASGI."""

    @abstractmethod
    def _hand_over(self, early: bytes) -> bool:
        """True if an exchange takes the connection over for another protocol. `early` are the bytes after the head."""

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        if self._ignores_input:
            return
        is_first = not self._in_request
        self._head_size += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            if not self._may_repair(error, data if is_first else self._raw and self._raw + data):
                self._break_off(_as_moorage_error(error))
        if self._head_size > MAX_HEAD and not self._ignores_input:
            self._break_off(head_too_large())
        if not self._in_request or self._ignores_input:
            self._raw = b""
        else:
            self._on_read(data, is_first=is_first)

    def _parse(self, data: bytes | memoryview) -> None:
        while True:
            try:
                self.parser.feed_data(data)
            except httptools.HttpParserUpgrade as upgrade:
                parsed: int = upgrade.args[0]
            else:
                return
            # Outside the `except`, so that an error raised here does not get HttpParserUpgrade as its context.
            data = memoryview(data)[parsed:]
            if self._hand_over(bytes(data)):
                return
            self._ignore_upgrade()

    def _may_repair(self, error: httptools.HttpParserError, received: bytes) -> bool:
        """Begin a repair and return True if the error may be a Content-Length that was sent twice.

        `received` holds the bytes from the beginning of the head; it is empty if the beginning is not known.
        """
        if self._ignores_input or not (received and self._in_head) or "Content-Length" not in str(error):
            return False
        self.parser = LengthRepair(self, received)
        return True

    def _repair(self, parser: LengthRepair) -> None:
        self._raw = b""
        try:
            repaired = parser.repaired()
            if repaired is None:
                return
            self.parser = _new_parser(self)
            self._parse(repaired)
        except httptools.HttpParserError as error:
            self._break_off(_as_moorage_error(error))
            return
        if self._in_request:
            self._on_read(repaired, is_first=True)

    def _on_read(self, data: bytes, *, is_first: bool) -> None:
        """A read is parsed, and it ends in the middle of a request. `is_first` is True if the request began in it."""
        if self._in_head:
            if isinstance(self.parser, LengthRepair):
                self._repair(self.parser)
            else:
                raw = data if is_first else self._raw and self._raw + data
                self._raw = raw if len(raw) <= MAX_HEAD else b""
            return
        self._raw = b""
        if self._reading is not None:
            self._reading.on_read()
        self._pace.add(self._head, len(data), self.loop.time())

    def _ignore_upgrade(self) -> None:
        """Parse a head again without its Upgrade header, which a server may ignore (RFC 9110, 7.8)."""
        lines = [b"%b: %b\r\n" % pair for pair in self.headers if pair[0].lower() != b"upgrade"]
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))
        self.parser = _new_parser(self)
        self._reading = IGNORED
        self.parser.feed_data(head)

    # What the parser calls.

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._in_head = self._in_request = True

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > MAX_TARGET:
            raise UriTooLong(
                f"The target of the request is longer than {MAX_TARGET} bytes.", help="Send a shorter query."
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # Trailers are ignored.
            headers = self.headers
            headers.append((name, value))
            if len(headers) > MAX_HEADERS:
                raise too_many_headers()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_size > MAX_HEAD:
            require_small(self.url, self.headers)
        self._head_size = 0
        parser = self.parser
        method = parser.get_method()
        if self._ignores_input or (parser.should_upgrade() and method != b"CONNECT"):
            self._reading = IGNORED
            return
        block = self._block
        if block.headers != self.headers:
            block = self._block = HeaderBlock(self.headers)
        head = Head(method, self.url, block, parser.get_http_version(), parser.should_keep_alive())
        require_valid(head)
        if self._is_answering() or self._queue or self.flow.write_paused:
            self._reading = waiting = QueuedRequest(head)
            self._queue.append(waiting)
            self.flow.pause_reading()
        else:
            self._begin(head)

    def on_body(self, body: bytes) -> None:
        self._head_size = 0
        self._since = self.loop.time()
        if self._reading is None:
            self._pass_to_asgi(body)
        else:
            self._reading.on_body(body)

    def on_message_complete(self) -> None:
        self._in_request = False
        reading = self._reading
        if not self.parser.should_keep_alive() and not self.parser.should_upgrade():
            self._ignores_input = True
        self._end_of(reading)


def _new_parser(protocol: ParsingConnection) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def _as_moorage_error(error: httptools.HttpParserError) -> MoorageError:
    cause = error.__context__
    if isinstance(cause, MoorageError):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError):
        return internal(cause or error)
    return RequestInvalid(f"The request is not valid HTTP/1.1: {error}.", help="See RFC 9112.")
