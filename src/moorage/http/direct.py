"""Requests answered in the parser's callbacks, beside ASGI: no task and no future for those that need none.

uvicorn keeps the sockets, TLS, workers and the ASGI side. A subclass of `DirectProtocol` claims some requests; all
others reach the ASGI application as ever. Answers leave in the order of their requests, whichever way they are made.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, ClassVar, cast

import httptools
import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from moorage.errors import MoorageError
from moorage.http.asgi import Gentle, Parsed
from moorage.http.breaking import BreakingOff, reset
from moorage.http.crowd import Crowd
from moorage.http.encode import CLOSE, KEEP, encode
from moorage.http.errors import PathInvalid, RequestInvalid, UriTooLong, internal, render
from moorage.http.exchange import Exchange, Refused, Waiting
from moorage.http.head import (
    MAX_HEAD,
    MAX_HEADERS,
    MAX_TARGET,
    Head,
    Lines,
    head_too_large,
    require_short_path,
    require_small,
    require_sound,
    too_many_headers,
)
from moorage.http.lengths import Mending
from moorage.http.message import Response
from moorage.http.pace import Pace, too_slow
from moorage.ids import new_request_id

LINGER_SECONDS = (
    2.0  # How long a sender may go on after its answer, before the connection is closed under it.
)

log = structlog.get_logger(__name__)


class DirectProtocol(HttpToolsProtocol):
    """One client connection. Subclasses override `claim`."""

    crowd: ClassVar[Crowd] = Crowd()  # Whom it shares the process's descriptors with.

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._exchange: Exchange | None = None  # The claimed request that is being answered.
        self._reading: Exchange | None = None  # Takes the body that is being parsed; None stands for ASGI.
        self._waiting: deque[Waiting] = deque()  # Requests that arrived while another was being answered.
        self._head: Head = _NO_HEAD
        self._lines = _NO_HEAD.lines  # Of the last request whose head is parsed.
        self._whole = True  # Whether the body of the request that is being answered has come to its end.
        self._in_head = False
        self._halfway = False  # Whether the parser is in the middle of a request.
        self._raw = b""  # What has arrived of a head that isn't whole, if it began with what a read brought.
        self._fed = 0  # An upper bound of the size of the head that is being parsed.
        self._advancing = False
        self.begun = False  # Whether something of that request's answer is written.
        self._stopping = False  # The answer under way is the last one.
        self._deaf = False  # What still arrives is of no interest.
        self._broken: bytes | None = None  # To be said once all earlier requests are answered.
        self._since = 0.0  # When the connection last did anything that shows it is alive.
        self._unsent = 0  # How much of its answers the client had not taken when the timer last looked.
        self._timer: asyncio.TimerHandle | None = None
        self._pace = Pace()

    # What subclasses override.

    def claim(self, head: Head) -> Exchange | None:  # noqa: ARG002 (for subclasses)
        """What will answer this request, or None to leave it to ASGI. Raises a MoorageError to refuse it."""
        return None

    def claim_upgrade(self, head: Head) -> Exchange | None:  # noqa: ARG002 (for subclasses)
        """What takes the connection over for another protocol. None leaves the wish for one unanswered."""
        return None

    def word(self, error: MoorageError, request_id: str) -> Response:
        """An error in the dialect that this origin speaks."""
        return render(error, request_id)

    # What exchanges use.

    def answer_to(self, error: MoorageError) -> Response:
        """The answer about an error. One that nobody foresaw is logged whole, under the answer's id."""
        request_id = new_request_id()
        if error.code == "internal":
            log.error("http.failed", request_id=request_id, exc_info=error.__cause__)
        return self.word(error, request_id)

    def write(self, data: bytes) -> None:
        """Pass on a part of an answer; a client that is gone already gets nothing."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def respond(self, response: Response) -> None:
        """Write a whole answer at once and end the exchange."""
        bare = self._head.method == b"HEAD"
        self.write(encode(response, self.server_state.default_headers, bare=bare, connection=self.connection))
        self.done()

    def refuse(self, response: Response) -> None:
        """Answer a request that is perhaps not whole yet, and keep the connection if little of it is missing."""
        if not self._whole and self._head.announces_little():
            self._exchange = self._reading = Refused(self.respond, response)
            self.resume_reading()
        else:
            self.respond(response)

    def done(self) -> None:
        """End the exchange, whose answer is written, and go on with the next request."""
        self._exchange = None
        if not self._whole:
            self._reading = _IGNORED
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        if self.closes:
            self.close()
        elif self._waiting or self._broken or self.flow.read_paused:
            self._advance()

    def is_current(self, exchange: Exchange) -> bool:
        """Whether somebody still waits for this exchange's answer."""
        return self._exchange is exchange and not self.transport.is_closing()

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what takes waiting; a shutdown waits for it, and cancels it when its time is over."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def want_body(self) -> None:
        """Tell a client that waits for it to send the body."""
        if self._head.lines.expects_continue and self._head.version == "1.1" and not self._whole:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def resume_reading(self) -> None:
        """Read on. The client's time begins anew, as it was kept from going on."""
        if self.flow.read_paused:
            self._since = self.loop.time()
            self._pace.pause()
            self.flow.resume_reading()

    def abort(self) -> None:
        """Break the connection off, so that an answer cut short can't be taken for a whole one."""
        reset(self.transport)

    def break_off(self) -> None:
        """Let the client have all that is written of an answer, and then see that it was cut short."""
        self._deaf = True
        if not self.transport.is_closing():
            BreakingOff(self.transport, patience=self.timeout_keep_alive)

    @property
    def closes(self) -> bool:
        """Whether the connection ends with the answer under way."""
        return self._stopping or not self._head.keep_alive or not self._whole

    @property
    def connection(self) -> bytes:
        """The header that says whether the connection goes on, where a client doesn't take it to by itself."""
        if self.closes:
            return CLOSE
        return KEEP if self._head.version == "1.0" else b""

    def end_with_answer(self) -> None:
        """Let the connection end with the answer under way, whose end nothing else would show."""
        self._stopping = True

    # What the transport calls.

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = self.loop.time()
        self._timer = self.loop.call_later(self.timeout_keep_alive, self._on_timer)
        self.crowd.enter(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self)
        if self._timer is not None:
            self._timer.cancel()
        exchange, self._exchange = self._exchange, None
        self._deaf = True
        self._waiting.clear()
        if exchange is not None:
            exchange.on_gone()
        super().connection_lost(exc)
        self._reading = None

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
        if self._halfway:
            if not self._deaf:
                self._on_read(data, is_first=is_first)
        elif self._raw:
            self._raw = b""

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._exchange is not None:
            self._exchange.pause_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._exchange is not None:
            self._exchange.resume_writing()
        elif not self.transport.is_closing():
            self._advance()

    def shutdown(self) -> None:
        """Close once the answer under way is given; uvicorn waits for that."""
        if not self._is_answering():
            self.transport.close()
            return
        self._stopping = True
        if self.cycle is not None:
            self._keep_after_asgi(keep=False)
        if self._exchange is not None:
            self._exchange.on_stopping()

    def idle_since(self) -> tuple[bool, float] | None:
        """As `Guest` says."""
        if self._is_answering() or self._waiting or self.transport.get_write_buffer_size():
            return None
        return self._head is not _NO_HEAD, self._since

    def leave(self) -> None:
        """Close, as the connection's place is needed."""
        self._deaf = True
        self.transport.close()

    def cut(self) -> None:
        """End now: an answer that is under way must not be taken for a whole one."""
        if self._is_answering() or self.transport.get_write_buffer_size():
            self.abort()
        else:
            self.transport.close()

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
            self._reading = _IGNORED
            return
        lines = self._lines
        if lines.headers != self.headers:
            lines = self._lines = Lines(self.headers)
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
            super().on_body(body)
        else:
            self._reading.on_body(body)

    def on_message_complete(self) -> None:
        self._halfway = False
        reading = self._reading
        if not self.parser.should_keep_alive() and not self.parser.should_upgrade():
            self._deaf = True
        self._end_of(reading)

    def on_response_complete(self) -> None:
        """An answer of the ASGI application is complete."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self._since = self.loop.time()
            self._advance()

    # The rest is ours alone.

    def _is_answering(self) -> bool:
        return self._exchange is not None or (self.cycle is not None and not self.cycle.response_complete)

    def _begin(self, head: Head) -> None:
        self._head = head
        self._whole = False
        self.begun = False
        try:
            self._exchange = self._reading = exchange = self.claim(head)
            if exchange is None:
                self._hand_to_asgi(head)
            else:
                exchange.start()
        except MoorageError as error:
            self.refuse(self.answer_to(error))

    def _end_of(self, reading: Exchange | None) -> None:
        """The request whose body went there is whole."""
        if reading is None:
            self._whole = True
            if not self.cycle.response_started:
                self._keep_after_asgi(keep=not self.closes)
            super().on_message_complete()
            return
        self._reading = _IGNORED
        if reading is self._exchange:
            self._whole = True
        reading.on_end()

    def _hand_to_asgi(self, head: Head) -> None:
        require_short_path(head.target)
        # The parser may be in the head of a later request by now, whose parts so far are kept in these.
        parsing = self.parser, self.url, self.headers
        super().on_message_begin()
        self.url = head.target
        for name, value in head.headers:
            super().on_header(name, value)
        self.parser = cast("httptools.HttpRequestParser", Parsed(head))
        try:
            super().on_headers_complete()
        except (httptools.HttpParserError, ValueError):
            raise PathInvalid("The path can't be read.", help="Percent-encode what isn't ASCII.") from None
        finally:
            self.parser, self.url, self.headers = parsing
        # An answer that comes before a long body is whole is the connection's last, as the others' is.
        self._keep_after_asgi(keep=head.keep_alive and head.announces_little())
        self.cycle.waiting_for_100_continue = head.expects_continue()
        self.cycle.transport = cast("asyncio.Transport", Gentle(self.transport, self.close))

    def _keep_after_asgi(self, *, keep: bool) -> None:
        self.cycle.keep_alive = keep
        if self._head.version == "1.0":
            always = self.server_state.default_headers
            self.cycle.default_headers = [*always, (b"connection", b"keep-alive")] if keep else always

    def _advance(self) -> None:
        """Take up the requests that waited, as far as they can be answered now."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._waiting and not self._is_answering() and not self.flow.write_paused:
                self._take_up(self._waiting.popleft())
        except Exception as error:  # noqa: BLE001 (whatever it is, the client is told and the log has it)
            self._give_up(self._last_word(internal(error), self._head.method))
        finally:
            self._advancing = False
        if self._waiting or self.transport.is_closing():
            return
        if self._is_answering():
            if not self._whole:
                self.resume_reading()
        elif self._broken is not None:
            self._say(self._broken)
        else:
            self.resume_reading()

    def _take_up(self, waiting: Waiting) -> None:
        parsing = self._reading
        self._begin(waiting.head)
        if waiting.body:
            if self._reading is None:
                super().on_body(bytes(waiting.body))
            else:
                self._reading.on_body(bytes(waiting.body))
        if not waiting.whole:
            if self._reading is not None:
                self._reading.on_read()
        else:
            self._end_of(self._reading)
            self._reading = parsing  # The parser is in a later request, whose body goes where it went.

    def _hand_over(self, early: bytes) -> bool:
        """Whether somebody takes the connection over for another protocol; `early` came behind the head."""
        if self._deaf or self._is_answering() or self._waiting or self.flow.write_paused:
            return False
        parser = self.parser
        head = Head(
            parser.get_method(), self.url, Lines(self.headers), parser.get_http_version(), keep_alive=False
        )
        try:
            require_sound(head)
            exchange = self.claim_upgrade(head)
        except MoorageError:
            return False  # The head is about to be parsed again, and then its sender is told.
        if exchange is None:
            return False
        self._head, self._exchange, self._reading = head, exchange, _IGNORED
        self._whole = self._deaf = True  # What follows is no HTTP.
        self.begun = False
        exchange.start()
        if self._exchange is exchange:
            exchange.on_body(early)
            exchange.on_end()
        return True

    def _ignore_upgrade(self) -> None:
        """Parse a head again without its wish for another protocol, which a server may leave unanswered."""
        lines = [b"%b: %b\r\n" % pair for pair in self.headers if pair[0].lower() != b"upgrade"]
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        head = b"%b %b HTTP/%b\r\n%b\r\n" % (method, self.url, version, b"".join(lines))
        self.parser = _new_parser(self)
        self._reading = _IGNORED
        self.parser.feed_data(head)

    def _break_off(self, error: MoorageError) -> None:
        """Nothing more can be parsed on this connection: say so, after the answers to what came before."""
        self._deaf = True
        # Without a target there is no method yet, but for the one of the request before.
        self._broken = answer = self._last_word(error, self.parser.get_method() if self.url else b"")
        if self._waiting and self._reading is self._waiting[-1]:
            self._waiting.pop()
        elif error.code == "internal" or (self._is_answering() and not self._whole):
            self._give_up(answer)
            return
        if not self._is_answering() and not self._waiting:
            self._say(answer)

    def _last_word(self, error: MoorageError, method: bytes) -> bytes:
        """What is written about an error that ends the connection."""
        always = self.server_state.default_headers
        return encode(self.answer_to(error), always, bare=method == b"HEAD", connection=CLOSE)

    def _give_up(self, answer: bytes) -> None:
        """End the request under way with an error, or by breaking off when its answer has begun."""
        exchange, self._exchange = self._exchange, None
        if exchange is not None:
            exchange.on_gone()
        elif self._is_answering():
            self.begun = self.cycle.response_started
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.begun:
            self.abort()
        else:
            self._say(answer)

    def _say(self, answer: bytes) -> None:
        if self.transport.is_closing():
            return
        self._stopping = True
        self.transport.write(answer)
        self._linger()

    def close(self) -> None:
        """Close once everything is written, in a way that lets a client read it that is still sending."""
        if self._whole and not self._waiting:
            self.transport.close()
        else:
            self._linger()

    def _linger(self) -> None:
        """Close our side and read on for a while: closing at once could destroy the answer on its way."""
        self._deaf = True
        self.headers, self._raw = [], b""
        self._broken = None
        self._waiting.clear()
        self.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _on_timer(self) -> None:
        """Close a connection on which no request arrives, one stops or trickles, or no answer is taken."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        now = self.loop.time()
        left = self._since + self.timeout_keep_alive - now
        if self._is_answering():
            is_ours_to_go_on = self._whole or self.flow.read_paused
        else:
            is_ours_to_go_on = self._unsent not in {0, before}
        if is_ours_to_go_on:
            left = self.timeout_keep_alive
        elif not self._whole and not self._is_begun():
            left = min(left, self._pace.left(self._head, now, self.timeout_keep_alive))
        if left > 0:
            self._timer = self.loop.call_later(left, self._on_timer)
        elif self._unsent:
            self.transport.abort()  # To close it would wait for the client to take the rest.
        elif self._is_answering() and not self._is_begun():
            self._give_up_waiting()
        else:
            self.transport.close()

    def _is_begun(self) -> bool:
        """Whether the answer under way has begun: then both sides may take their time, as they do in a conversation."""
        if self._exchange is not None:
            return self.begun
        return self._is_answering() and bool(self.cycle.response_started)

    def _give_up_waiting(self) -> None:
        """End a request whose body does not come."""
        if isinstance(self._exchange, Refused):
            self._exchange.on_end()
        else:
            self._break_off(too_slow(self.timeout_keep_alive))


_IGNORED = Exchange()
_NO_HEAD = Head(b"", b"", Lines([]), "1.1", keep_alive=True)


def _new_parser(protocol: DirectProtocol) -> httptools.HttpRequestParser:
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
