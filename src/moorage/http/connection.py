"""One client connection: what is under way on it, how long that may take, and how it ends.

uvicorn keeps the sockets, TLS and workers. Answers that end a connection leave after those to what came before.
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
from moorage.http.exchange import Exchange, Refused, Waiting
from moorage.http.head import NO_HEAD, Head
from moorage.http.message import Response
from moorage.http.pace import Pace, too_slow
from moorage.http.sending import Sending
from moorage.ids import new_request_id
from moorage.logs import Log

# How many seconds a sender may go on after its answer, before the connection is closed under it.
LINGER_SECONDS = 2.0

log = Log(__name__)


class ClientConnection(AsgiSide):
    """What the parts of a `DirectProtocol` share."""

    crowd: ClassVar[Crowd] = Crowd()  # Whom it shares the process's descriptors with.

    def __init__(self, config: Any, server_state: Any, app_state: Any, _loop: Any = None) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._exchange: Exchange | None = None  # The claimed request that is being answered.
        self._reading: Exchange | None = None  # Takes the body that is being parsed; None stands for ASGI.
        self._waiting: deque[Waiting] = deque()  # Requests that arrived while another was being answered.
        self._head: Head = NO_HEAD
        self._whole = True  # Whether the body of the request that is being answered has come to its end.
        self.begun = False  # Whether something of that request's answer is written.
        self._stopping = False  # The answer under way is the last one.
        self._deaf = False  # What still arrives is of no interest.
        self._broken: bytes | None = None  # To be said once all earlier requests are answered.
        self._since = 0.0  # When the connection last did anything that shows it is alive.
        self._unsent = 0  # How much of its answers the client had not taken when the timer last looked.
        self._timer: asyncio.TimerHandle | None = None
        self._pace = Pace()

    def render_error(self, error: MoorageError, request_id: str, exchange: Exchange | None) -> Response:  # noqa: ARG002
        """An error in the dialect that this origin speaks; for subclasses to override.

        `exchange` is the claimed request that it is about, None for what broke off before it was one.
        """
        return render(error, request_id)

    # What exchanges use.

    def answer_to(self, error: MoorageError, exchange: Exchange | None) -> Response:
        """The answer about an error in a request. One that nobody foresaw is logged whole, under the answer's id."""
        request_id = new_request_id()
        if error.code == "internal":
            log.error("http.failed", request_id=request_id, exc_info=error.__cause__)
        return self.render_error(error, request_id, exchange)

    def write(self, data: bytes) -> None:
        """Pass on a part of an answer; a client that is gone already gets nothing."""
        if not self.transport.is_closing():
            self.transport.write(data)

    def is_current(self, exchange: Exchange) -> bool:
        """Whether somebody still waits for this exchange's answer."""
        return self._exchange is exchange and not self.transport.is_closing()

    def start_task(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what takes waiting; a shutdown waits for it, and cancels it when its time is over."""
        task = self.loop.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task

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

    def close(self) -> None:
        """Close once everything is written, in a way that lets a client read it that is still sending."""
        if self._whole and not self._waiting:
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
        self._deaf = True
        self._waiting.clear()
        if exchange is not None:
            exchange.on_gone()
        super().connection_lost(exc)
        self._reading = None

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
        return self._head is not NO_HEAD, self._since

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

    # The rest is for the parts alone.

    def _is_answering(self) -> bool:
        return self._exchange is not None or (self.cycle is not None and not self.cycle.response_complete)

    def _is_begun(self) -> bool:
        """Whether the answer under way has begun: then both sides may take their time, as they do in a conversation."""
        if self._exchange is not None:
            return self.begun
        return self._is_answering() and bool(self.cycle.response_started)

    def _break_off(self, error: MoorageError) -> None:
        """Nothing more can be parsed on this connection: say so, after the answers to what came before."""
        self._deaf = True
        # What breaks off in a head is no part of the request that is being answered meanwhile.
        is_concerned = error.code == "internal" or self._reading is self._exchange
        # Without a target there is no method yet, but for the one of the request before.
        method = self.parser.get_method() if self.url else b""
        self._broken = answer = self._last_word(error, method, self._exchange if is_concerned else None)
        if self._waiting and self._reading is self._waiting[-1]:
            self._waiting.pop()
        elif error.code == "internal" or (self._is_answering() and not self._whole):
            self._give_up(answer)
            return
        if not self._is_answering() and not self._waiting:
            self._say(answer)

    def _give_up_on(self, error: Exception) -> None:
        """End the request under way with a failure that is ours."""
        self._give_up(self._last_word(internal(error), self._head.method, self._exchange))

    def _last_word(self, error: MoorageError, method: bytes, exchange: Exchange | None) -> bytes:
        """What is written about an error that ends the connection."""
        always = self.server_state.default_headers
        answer = self.answer_to(error, exchange)
        return encode(answer, always, b"" if method == b"HEAD" else answer.text, connection=CLOSE)

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

    def _linger(self) -> None:
        """Close our side and read on for a while: closing at once could destroy the answer on its way."""
        self._deaf = True
        self.headers = []
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
            is_ours_to_go_on = (self._whole or self.flow.read_paused) and not self._is_stalled(before)
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

    def _is_stalled(self, before: int) -> bool:
        """Whether nothing was taken of an answer that comes in parts, of which so much was left at the last look."""
        return isinstance(self._exchange, Sending) and self._unsent == before != 0

    def _give_up_waiting(self) -> None:
        """End a request whose body does not come."""
        if isinstance(self._exchange, Refused):
            self._exchange.on_end()
        else:
            self._break_off(too_slow(self.timeout_keep_alive))
