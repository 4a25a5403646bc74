"""Answers requests directly in the parser's callbacks, without ASGI, tasks and futures.

A subclass of `DirectProtocol` claims some requests. The ASGI application answers all others. All answers leave in the
order of their requests.
"""

from typing import Any

from moorage.errors import MoorageError
from moorage.http.encode import BODILESS, encode
from moorage.http.exchange import IGNORED, DelayedAnswer, Exchange, QueuedRequest
from moorage.http.head import Head, HeaderBlock, require_valid
from moorage.http.message import Parts, Response
from moorage.http.parsing import ParsingConnection
from moorage.http.sending import StreamedAnswer
from moorage.http.traffic import TRAFFIC


class DirectProtocol(ParsingConnection):
    """One client connection. Subclasses override `claim`, `claim_upgrade` and `render_error`."""

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._advancing = False

    # What subclasses override.

    def claim(self, head: Head) -> Exchange | None:  # noqa: ARG002 (for subclasses)
        """The exchange that answers this request; None if ASGI answers it. Raises a MoorageError to refuse it."""
        return None

    def claim_upgrade(self, head: Head) -> Exchange | None:  # noqa: ARG002 (for subclasses)
        """The exchange that takes the connection over for another protocol; None ignores the Upgrade header."""
        return None

    # What exchanges use.

    def respond(self, response: Response) -> None:
        """Write an answer and end the exchange; if the answer is streamed, after its last part."""
        body = response.body
        if not isinstance(body, bytes):
            self._send(response, body)
            return
        sent = b"" if self._head.method == b"HEAD" else body
        self.write(encode(response, self.server_state.default_headers, sent, connection=self.connection))
        self.done()

    def refuse(self, response: Response) -> None:
        """Answer before the body has fully arrived. The connection goes on if the body has at most 64 kB."""
        if not self._request_complete and self._head.has_short_body():
            self._exchange = self._reading = DelayedAnswer(self.respond, response)
            self.resume_reading()
        else:
            self.respond(response)

    def done(self) -> None:
        """End the exchange after its answer is written, and continue with the next request."""
        self._exchange = None
        if not self._request_complete:
            self._reading = IGNORED
        TRAFFIC.answered += 1
        if self.transport.is_closing():
            return
        self._since = self.loop.time()
        if self.closes:
            self.close()
        elif self._queue or self._error_answer or self.flow.read_paused:
            self._advance()

    async def write_part(self, part: bytes) -> None:
        """Write the next part of an answer, and wait until the client has room for another part."""
        self.write(part)
        self._since = self.loop.time()
        await self.flow.drain()

    def want_body(self) -> None:
        """Ask for the body (100 Continue) if the client waits for that."""
        if self._head.block.expects_continue and self._head.version == "1.1" and not self._request_complete:
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    # What the transport and uvicorn call.

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
        TRAFFIC.answered += 1
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
        if not self._request_complete:
            self._reading = IGNORED
        self._exchange = StreamedAnswer(self, parts)

    def _begin(self, head: Head) -> None:
        self._head = head
        self._request_complete = False
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
        """A request is complete, whose body went to `reading`; None stands for ASGI."""
        if reading is None:
            self._request_complete = True
            self._end_to_asgi(keep=not self.closes)
            return
        self._reading = IGNORED
        if reading is self._exchange:
            self._request_complete = True
        reading.on_end()

    def _advance(self) -> None:
        """Begin queued requests, as far as they can be answered now."""
        if self._advancing:
            return
        self._advancing = True
        try:
            while self._queue and not self._is_answering() and not self.flow.write_paused:
                self._begin_queued(self._queue.popleft())
        except Exception as error:  # noqa: BLE001 (`_give_up_on` logs it and responds)
            self._give_up_on(error)
        finally:
            self._advancing = False
        if self._queue or self.transport.is_closing():
            return
        if self._is_answering():
            if not self._request_complete:
                self.resume_reading()
        elif self._error_answer is not None:
            self._write_last(self._error_answer)
        else:
            self.resume_reading()

    def _begin_queued(self, waiting: QueuedRequest) -> None:
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
            self._reading = parsing  # The parser is in a later request. Its body goes on to the same place.

    def _hand_over(self, early: bytes) -> bool:
        """True if an exchange takes the connection over for another protocol. `early` are the bytes after the head."""
        if self._ignores_input or self._is_answering() or self._queue or self.flow.write_paused:
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
            require_valid(head)
            exchange = self.claim_upgrade(head)
        except MoorageError:
            return False  # The head is parsed again after this, and then the error is answered.
        if exchange is None:
            return False
        self._head, self._exchange, self._reading = head, exchange, IGNORED
        self._request_complete = self._ignores_input = True  # The bytes that follow are not HTTP.
        self.begun = False
        exchange.start()
        if self._exchange is exchange:
            exchange.on_body(early)
            exchange.on_end()
        return True
