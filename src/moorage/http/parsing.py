"""The requests that arrive on a connection: bytes in, heads and bodies out."""

from abc import abstractmethod
from typing import Any

import httptools

from moorage.errors import MoorageError
from moorage.http.connection import ClientConnection
from moorage.http.errors import RequestInvalid, UriTooLong, internal
from moorage.http.exchange import IGNORED, Exchange, Waiting
from moorage.http.head import (
    MAX_HEAD,
    MAX_HEADERS,
    MAX_TARGET,
    NO_HEAD,
    Head,
    HeaderBlock,
    head_too_large,
    require_small,
    require_sound,
    too_many_headers,
)
from moorage.http.lengths import Mending


class ParsingConnection(ClientConnection):
    """Feeds the parser, whose callbacks are the `on_` methods here. `DirectProtocol` answers what they make of it."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._lines = NO_HEAD.lines  # Of the last request whose head is parsed.
        self._in_head = False
        self._halfway = False  # Whether the parser is in the middle of a request.
        self._raw = b""  # What has arrived of a head that isn't whole, if it began with what a read brought.
        self._fed = (
            0  # How much has arrived of that head; what a read brought behind another head isn't counted.
        )

    @abstractmethod
    def _begin(self, head: Head) -> None:
        """Answer a request whose head is there."""

    @abstractmethod
    def _end_of(self, reading: Exchange | None) -> None:
        """The request whose body went there is whole."""

    @abstractmethod
    def _hand_over(self, early: bytes) -> bool:
        """Whether somebody takes the connection over for another protocol; `early` came behind the head."""

    # What the transport calls.

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        is_first = not self._halfway
        self._fed += len(data)
        try:
            self._parse(data)
        except httptools.HttpParserError as error:
            if not self._may_mend(error, data if is_first else self._raw and self._raw + data):
                self._break_off(_explained(error))
        if self._fed > MAX_HEAD and not self._deaf:
            self._break_off(head_too_large())
        if not self._halfway or self._deaf:
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
            # Out here, so that what is raised now has a cause of its own.
            data = memoryview(data)[parsed:]
            if self._hand_over(bytes(data)):
                return
            self._ignore_upgrade()

    def _may_mend(self, error: httptools.HttpParserError, begun: bytes) -> bool:
        """Put off what can't be parsed if a length that was said twice may be all that is wrong.

        `begun` is what has arrived from where a head began, empty if that isn't known.
        """
        if self._deaf or not (begun and self._in_head) or "Content-Length" not in str(error):
            return False
        self.parser = Mending(self, begun)
        return True

    def _mend(self, parser: Mending) -> None:
        self._raw = b""
        try:
            mended = parser.mended()
            if mended is None:
                return
            self.parser = _new_parser(self)
            self._parse(mended)
        except httptools.HttpParserError as error:
            self._break_off(_explained(error))
            return
        if self._halfway:
            self._on_read(mended, is_first=True)

    def _on_read(self, data: bytes, *, is_first: bool) -> None:
        """All that a read brought is parsed, and it ends in the middle of a request, which may have begun there."""
        if self._in_head:
            if isinstance(self.parser, Mending):
                self._mend(self.parser)
            else:
                raw = data if is_first else self._raw and self._raw + data
                self._raw = raw if len(raw) <= MAX_HEAD else b""
            return
        self._raw = b""
        if self._reading is not None:
            self._reading.on_read()
        self._pace.came(self._head, len(data), self.loop.time())

    def _ignore_upgrade(self) -> None:
        """Parse a head again without its wish for another protocol, which a server may leave unanswered."""
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
        self._in_head = self._halfway = True

    def on_url(self, url: bytes) -> None:
        self.url += url
        if len(self.url) > MAX_TARGET:
            raise UriTooLong(
                f"The request's target is longer than {MAX_TARGET} bytes.", help="Send a shorter query."
            )

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # Trailers are nobody's business here.
            headers = self.headers
            headers.append((name, value))
            if len(headers) > MAX_HEADERS:
                raise too_many_headers()

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._fed > MAX_HEAD:
            require_small(self.url, self.headers)
        self._fed = 0
        parser = self.parser
        method = parser.get_method()
        if self._deaf or (parser.should_upgrade() and method != b"CONNECT"):
            self._reading = IGNORED
            return
        lines = self._lines
        if lines.headers != self.headers:
            lines = self._lines = HeaderBlock(self.headers)
        head = Head(method, self.url, lines, parser.get_http_version(), parser.should_keep_alive())
        require_sound(head)
        if self._is_answering() or self._waiting or self.flow.write_paused:
            self._reading = waiting = Waiting(head)
            self._waiting.append(waiting)
            self.flow.pause_reading()
        else:
            self._begin(head)

    def on_body(self, body: bytes) -> None:
        self._fed = 0
        self._since = self.loop.time()
        if self._reading is None:
            self._pass_to_asgi(body)
        else:
            self._reading.on_body(body)

    def on_message_complete(self) -> None:
        self._halfway = False
        reading = self._reading
        if not self.parser.should_keep_alive() and not self.parser.should_upgrade():
            self._deaf = True
        self._end_of(reading)


def _new_parser(protocol: ParsingConnection) -> httptools.HttpRequestParser:
    parser = httptools.HttpRequestParser(protocol)
    parser.set_dangerous_leniencies(lenient_data_after_close=True)
    return parser


def _explained(error: httptools.HttpParserError) -> MoorageError:
    cause = error.__context__
    if isinstance(cause, MoorageError):
        return cause
    if isinstance(error, httptools.HttpParserCallbackError):
        return internal(cause or error)
    return RequestInvalid(f"The request is not sound HTTP/1.1: {error}.", help="See RFC 9112.")
