"""Requests answered in the parser's callbacks, beside ASGI: no task and no future for those that need none.

A subclass of `DirectProtocol` claims some requests; all others reach the ASGI application as ever. Answers leave in the
order of their requests, whichever way they are made.
"""

from typing import Any

from moorage.errors import MoorageError
from moorage.http.encode import BODILESS, encode
from moorage.http.exchange import IGNORED, Exchange, Refused, Waiting
from moorage.http.head import Head, HeaderBlock, require_sound
from moorage.http.message import Parts, Response
from moorage.http.parsing import ParsingConnection
from moorage.http.sending import Sending


class DirectProtocol(ParsingConnection):
    """One client connection. Subclasses override `claim`, `claim_upgrade` and `render_error`."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._advancing = False

    # What subclasses override.

    def claim(self, head: Head) -> Exchange | None:  # noqa: ARG002 (for subclasses)
        """What will answer this request, or None to leave it to ASGI. Raises a MoorageError to refuse it."""
        return None

    def claim_upgrade(self, head: Head) -> Exchange | None:  # noqa: ARG002 (for subclasses)
        """What takes the connection over for another protocol. None leaves the wish for one unanswered."""
        return None

    # What exchanges use.

    def respond(self, response: Response) -> None:
        """Write an answer and end the exchange: at once, or once all of its parts are written."""
        body = response.body
        if not isinstance(body, bytes):
            self._send(response, body)
            return
        sent = b"" if self._head.method == b"HEAD" else body
        self.write(encode(response, self.server_state.default_headers, sent, connection=self.connection))
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
            self._reading = IGNORED
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        if self.closes:
            self.close()
        elif self._waiting or self._broken or self.flow.read_paused:
            self._advance()

    async def write_part(self, part: bytes) -> None:
        """Write the next part of an answer, and wait until there is room for another one."""
        self.write(part)
        self._since = self.loop.time()
        await self.flow.drain()

    def want_body(self) -> None:
        """Tell a client that waits for it to send the body."""
        if self._head.lines.expects_continue and self._head.version == "1.1" and not self._whole:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # What the transport calls, and uvicorn.

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

    def on_response_complete(self) -> None:
        """An answer of the ASGI application is complete."""
        self.server_state.total_requests += 1
        if not self.transport.is_closing():
            self._since = self.loop.time()
            self._advance()

    # How one request follows another.

    def _send(self, response: Response, parts: Parts) -> None:
        self.write(encode(response, self.server_state.default_headers, b"", connection=self.connection))
        if self._head.method == b"HEAD" or response.status in BODILESS:
            self.done()
            return
        self.begun = True
        if not self._whole:
            self._reading = IGNORED
        self._exchange = Sending(self, parts)

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
            self.refuse(self.answer_to(error, self._exchange))

    def _end_of(self, reading: Exchange | None) -> None:
        """The request whose body went there is whole."""
        if reading is None:
            self._whole = True
            self._end_to_asgi(keep=not self.closes)
            return
        self._reading = IGNORED
        if reading is self._exchange:
            self._whole = True
        reading.on_end()

    def _advance(self) -> None:
        """Take up the requests that waited, as far as they can be answered now."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._waiting and not self._is_answering() and not self.flow.write_paused:
                self._take_up(self._waiting.popleft())
        except Exception as error:  # noqa: BLE001 (whatever it is, the client is told and the log has it)
            self._give_up_on(error)
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
                self._pass_to_asgi(bytes(waiting.body))
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
            parser.get_method(),
            self.url,
            HeaderBlock(self.headers),
            parser.get_http_version(),
            keep_alive=False,
        )
        try:
            require_sound(head)
            exchange = self.claim_upgrade(head)
        except MoorageError:
            return False  # The head is about to be parsed again, and then its sender is told.
        if exchange is None:
            return False
        self._head, self._exchange, self._reading = head, exchange, IGNORED
        self._whole = self._deaf = True  # What follows is no HTTP.
        self.begun = False
        exchange.start()
        if self._exchange is exchange:
            exchange.on_body(early)
            exchange.on_end()
        return True
