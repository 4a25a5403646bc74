"""One client connection: the request that is being answered, the timeouts, and the ways in which it ends.

uvicorn keeps the sockets, TLS and workers. A response that ends the connection leaves after the responses to earlier
requests.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, ClassVar

from moorage.errors import MoorageError
from moorage.http.asgi import AsgiSide
from moorage.http.breaking import BreakingOff, reset
from moorage.http.crowd import Crowd
from moorage.http.encode import CLOSE, KEEP, encode
from moorage.http.errors import internal, render
from moorage.http.exchange import DelayedAnswer, Exchange, QueuedRequest
from moorage.http.head import NO_HEAD, Head
from moorage.http.message import Response
from moorage.http.pace import Pace, too_slow
from moorage.http.sending import StreamedAnswer
from moorage.ids import new_request_id
from moorage.logs import Log

# A client that is still sending after the last response has this long, in seconds, to read it.
LINGER_SECONDS = 2.0
# A request may be on its way when the server stops. A connection without any request waits so many seconds for it.
FIRST_REQUEST_SECONDS = 1.0

log = Log(__name__)


class ClientConnection(AsgiSide):
    """The state that the parts of a `DirectProtocol` share."""

    crowd: ClassVar[Crowd] = Crowd()  # All connections of the process.

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._exchange: Exchange | None = None  # The claimed request that is being answered.
        self._reading: Exchange | None = None  # Takes the body that is being parsed; None stands for ASGI.
        self._queue: deque[QueuedRequest] = deque()  # Requests that arrived while another was being answered.
        self._head: Head = NO_HEAD
        # True if the whole body of the request that is being answered has arrived.
        self._request_complete = True
        self.begun = False  # True if a part of the answer to that request is written.
        self._stopping = False  # True if the connection ends after the answer under way.
        self._ignores_input = False
        self._error_answer: bytes | None = None  # It is written after the answers to all earlier requests.
        self._since = 0.0  # The time of the last sign of life on the connection.
        self._unsent = 0  # The bytes that the client had not taken at the last call of the timer.
        self._timer: asyncio.TimerHandle | None = None
        self._pace = Pace()

    def render_error(self, error: MoorageError, request_id: str, exchange: Exchange | None) -> Response:  # noqa: ARG002
        """An error in the shape of this origin. Subclasses override it.

        `exchange` is the claimed request that failed; None if the error came before a request was claimed.
        """
        return render(error, request_id)

    # What exchanges use.

    def answer_to(self, error: MoorageError, exchange: Exchange | None) -> Response:
        """The answer that reports an error. An unexpected error is logged under the request id of the answer."""
        request_id = new_request_id()
        if error.code == "internal":
            log.error("http.failed", request_id=request_id, exc_info=error.__cause__)
        return self.render_error(error, request_id, exchange)

    def write(self, data: bytes) -> None:
        """Write a part of an answer, unless the client has gone."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def is_current(self, exchange: Exchange) -> bool:
        """True if the client still waits for the answer of this exchange."""
        return self._exchange is exchange and not self.transport.is_closing()

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run a coroutine. A shutdown waits for it, and cancels it when the time for the shutdown is over."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

    def resume_reading(self) -> None:
        """Read again. The client's timeout starts again, because it could not send meanwhile."""
        if self.flow.read_paused:
            self._since = self.loop.time()
            self._pace.pause()
            self.flow.resume_reading()

    def abort(self) -> None:
        """Reset the connection at once, so that the client can't take a part of an answer for the whole answer."""
        reset(self.transport)

    def break_off(self) -> None:
        """Deliver what is written of an answer, then reset the connection, so that the client sees it is incomplete."""
        self._ignores_input = True
        if not self.transport.is_closing():
            BreakingOff(self.transport, patience=self.timeout_keep_alive)

    @property
    def closes(self) -> bool:
        """True if the connection ends after the answer under way."""
        stopping = self._stopping or self.crowd.is_ending
        return stopping or not self._head.keep_alive or not self._request_complete

    @property
    def connection(self) -> bytes:
        """The Connection header; empty where the client assumes the right thing without it."""
        if self.closes:
            return CLOSE
        return KEEP if self._head.version == "1.0" else b""

    def end_with_answer(self) -> None:
        """Close the connection after the answer under way, because only that shows where the answer ends."""
        self._stopping = True

    def close(self) -> None:
        """Close after everything is written, so that a client that is still sending can read the answer."""
        if self._request_complete and not self._queue:
            self.transport.close()
        else:
            self._linger()

    # What the transport and the server call.

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
        self._ignores_input = True
        self._queue.clear()
        if exchange is not None:
            exchange.on_gone()
        super().connection_lost(exc)
        self._reading = None

    def shutdown(self) -> None:
        """Close after the answer under way. uvicorn waits for that."""
        self._stopping = True
        if not self._is_answering():
            self._stop_without_answer()
            return
        if self.cycle is not None:
            self._keep_after_asgi(keep=False)
        if self._exchange is not None:
            self._exchange.on_stopping()

    def _stop_without_answer(self) -> None:
        """Close, unless a request is on its way. If it arrived at a closed socket, the client would get a reset."""
        if self._head is NO_HEAD:
            self.loop.call_later(FIRST_REQUEST_SECONDS, self._close_if_idle)
        else:
            self.transport.close()

    def _close_if_idle(self) -> None:
        if not self._is_answering():
            self.transport.close()

    def idle_since(self) -> tuple[bool, float] | None:
        """See `CrowdMember`."""
        if self._is_answering() or self._queue or self.transport.get_write_buffer_size():
            return None
        return self._head is not NO_HEAD, self._since

    def leave(self) -> None:
        """Close, because another connection needs the descriptor."""
        self._ignores_input = True
        self.transport.close()

    def cut(self) -> None:
        """End now. If an answer is under way, end with a reset, so that the client sees it is incomplete."""
        if self._is_answering() or self.transport.get_write_buffer_size():
            self.abort()
        else:
            self.transport.close()

    # What only the parts of a `DirectProtocol` call.

    def _is_answering(self) -> bool:
        return self._exchange is not None or (self.cycle is not None and not self.cycle.response_complete)

    def _answer_begun(self) -> bool:
        """True if a part of the answer under way is written. After that the body of the request may come slowly."""
        if self._exchange is not None:
            return self.begun
        return self._is_answering() and bool(self.cycle.response_started)

    def _break_off(self, error: MoorageError) -> None:
        """Stop parsing, and report the error after the answers to earlier requests."""
        self._ignores_input = True
        # An error in the head of a later request does not concern the request that is being answered.
        is_concerned = error.code == "internal" or self._reading is self._exchange
        # Without a target, the parser still has the method of the request before.
        method = self.parser.get_method() if self.url else b""
        self._error_answer = answer = self._encode_error(
            error, method, self._exchange if is_concerned else None
        )
        if self._queue and self._reading is self._queue[-1]:
            self._queue.pop()
        elif error.code == "internal" or (self._is_answering() and not self._request_complete):
            self._give_up(answer)
            return
        if not self._is_answering() and not self._queue:
            self._write_last(answer)

    def _give_up_on(self, error: Exception) -> None:
        """End the request under way after an unexpected error."""
        self._give_up(self._encode_error(internal(error), self._head.method, self._exchange))

    def _encode_error(self, error: MoorageError, method: bytes, exchange: Exchange | None) -> bytes:
        """The bytes of an error answer that ends the connection."""
        always = self.server_state.default_headers
        answer = self.answer_to(error, exchange)
        return encode(answer, always, b"" if method == b"HEAD" else answer.text, connection=CLOSE)

    def _give_up(self, answer: bytes) -> None:
        """End the request under way with an error answer, or with a reset if another answer has begun."""
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
            self._write_last(answer)

    def _write_last(self, answer: bytes) -> None:
        if self.transport.is_closing():
            return
        self._stopping = True
        self.transport.write(answer)
        self._linger()

    def _linger(self) -> None:
        """Close our side, and read on for a while.

        The kernel sends a reset if a socket is closed with unread bytes. Then the client could lose the answer.
        """
        self._ignores_input = True
        self.headers = []
        self._error_answer = None
        self._queue.clear()
        self.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)
        else:
            self.transport.close()

    def _on_timer(self) -> None:
        """Close the connection if the client is idle, sends its request too slowly, or takes nothing of an answer."""
        before, self._unsent = self._unsent, self.transport.get_write_buffer_size()
        now = self.loop.time()
        seconds = self._since + self.timeout_keep_alive - now
        if self._is_answering():
            client_waits = (self._request_complete or self.flow.read_paused) and not self._is_stalled(before)
        else:
            client_waits = self._unsent not in {0, before}
        if client_waits:
            seconds = self.timeout_keep_alive
        elif not self._request_complete and not self._answer_begun():
            seconds = min(seconds, self._pace.seconds_left(self._head, now, self.timeout_keep_alive))
        if seconds > 0:
            self._timer = self.loop.call_later(seconds, self._on_timer)
        elif self._unsent:
            self.transport.abort()  # `close` would wait until the client takes the rest.
        elif self._is_answering() and not self._answer_begun():
            self._give_up_waiting()
        else:
            self.transport.close()

    def _is_stalled(self, before: int) -> bool:
        """True if the client has taken nothing of a streamed answer since `before` bytes were unsent."""
        return isinstance(self._exchange, StreamedAnswer) and self._unsent == before != 0

    def _give_up_waiting(self) -> None:
        """End a request whose body does not arrive."""
        if isinstance(self._exchange, DelayedAnswer):
            self._exchange.on_end()
        else:
            self._break_off(too_slow(self.timeout_keep_alive))
