"""A call that asks for a WebSocket. It is an ordinary call until the app answers; if the answer is 101, a tunnel."""

import asyncio
from time import monotonic
from typing import TYPE_CHECKING

from moorage.errors import MoorageError
from moorage.gateway.errors import WebSocketsExhausted, WebSocketUnsupported
from moorage.gateway.relay import Relay
from moorage.gateway.rewrite import AnswerHead, CallerHeaders
from moorage.gateway.target import Target
from moorage.gateway.tunnel import GOING_AWAY, End, Tunnel
from moorage.http.direct import DirectProtocol
from moorage.http.encode import STATUS_LINES, lines_of
from moorage.http.head import Head
from moorage.policies import Guard

if TYPE_CHECKING:
    from moorage.gateway.gateway import Gateway

MAX_EARLY = 64 * 1024  # The bytes that are read from a caller before the app has agreed.
_SWITCH = b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n"
_FRAMING = frozenset({b"content-length"})


def asks_for_websocket(head: Head) -> bool:
    """True if the request asks for a WebSocket, and for no other protocol."""
    if head.method != b"GET" or head.version != "1.1" or head.block.length or head.block.coding:
        return False
    upgrades = [value.strip().lower() for name, value in head.block.lowered if name == b"upgrade"]
    return upgrades == [b"websocket"] and head.header(b"sec-websocket-key") is not None


class WebSocketCall(Relay):
    """A call that becomes a tunnel if the app agrees. Bytes behind the head go to the app only after that.

    If the app does not agree, its answer is passed on like any other, and the connection ends after it.
    """

    __slots__ = ("_end", "_tunnel")

    switches = True

    def __init__(
        self, protocol: DirectProtocol, head: Head, caller: CallerHeaders, native: bytes, gateway: "Gateway"
    ) -> None:
        super().__init__(protocol, head, caller, native, gateway)
        self._tunnel: Tunnel | None = None
        self._end = _CallerEnd(protocol)

    def start(self) -> None:
        self._protocol.transport.set_protocol(self._end)
        super().start()

    def on_body(self, part: bytes) -> None:
        self._end.keep(part)

    def on_gone(self) -> None:
        if self._tunnel is None:
            super().on_gone()

    def on_stopping(self) -> None:
        if self._tunnel is not None:
            self._tunnel.close(GOING_AWAY, "the server is going away")

    def _set_target(self, target: Target) -> None:
        app = self._caller.route_key.app
        self.resolved = target
        self.through = target.through
        refusal = self._decided(target.guard)
        if refusal is not None:
            self._refuse(refusal)
        elif target.origin is None or not self._gateway.rules_of(app).websocket:
            self._refuse(WebSocketUnsupported(app.decode()))
        elif self._gateway.tunnels.are_full:
            self._refuse(WebSocketsExhausted())
        else:
            super()._set_target(target)

    def _decided(self, guard: Guard | None) -> MoorageError | None:
        """What the policy of the key refuses the WebSocket with. What passes through a tunnel can't be looked at."""
        if guard is None or self.decision is not None:
            return None
        self.decision = decision = guard.decide_upgrade(self.native)
        if decision.error is None:
            try:
                guard.take(decision.operation)
            except MoorageError as error:
                return error
        return decision.error

    def _request_head(self) -> bytes:
        return super()._request_head()[:-2] + _SWITCH

    def on_switched(
        self, head: AnswerHead, transport: asyncio.Transport, socket: asyncio.Transport, rest: bytes
    ) -> None:
        self._upstream = None
        self.status, self.answered_at = 101, monotonic()
        app = End(transport, socket)
        transport.set_protocol(app)
        target, protocol = self._target, self._protocol
        assert target is not None
        if not protocol.is_current(self):
            transport.abort()
            return
        head.drop(_FRAMING)
        own_lines = b"X-Request-Id: %b\r\n%b" % (self.request_id, target.through_lines)
        protocol.write(STATUS_LINES[101] + lines_of(head.forwarded) + own_lines + _SWITCH)
        protocol.begun = True
        limits = self._gateway.pool.limits
        self._tunnel = tunnel = Tunnel(self._end, app, self._caller.route_key, target, limits)
        tunnel.on_closed = self._note_tunnel
        self._gateway.tunnels.add(tunnel)
        if rest:
            tunnel.pass_on(rest, self._end)
        self._end.release()

    def _note_tunnel(self, bytes_in: int, bytes_out: int) -> None:
        self.bytes_in, self.bytes_out = bytes_in, bytes_out
        self._note("upstream", self.status, monotonic())


class _CallerEnd(End):
    """The caller's connection. Before there is a tunnel, it keeps the bytes that arrive; the protocol does the rest."""

    def __init__(self, protocol: DirectProtocol) -> None:
        super().__init__(protocol.transport, protocol.transport)
        self._protocol = protocol
        self._early: list[bytes] = []
        self._size = 0

    def keep(self, data: bytes) -> None:
        self._early.append(data)
        self._size += len(data)
        if self._size > MAX_EARLY:
            self.socket.pause_reading()

    def release(self) -> None:
        """Pass on the bytes that were kept."""
        early, self._early = b"".join(self._early), []
        if self._size > MAX_EARLY and self.arrives:
            self.socket.resume_reading()
        if early and self.tunnel is not None:
            self.tunnel.pass_on(early, self.other)

    def data_received(self, data: bytes) -> None:
        if self.tunnel is None:
            self.keep(data)
        else:
            self.tunnel.pass_on(data, self.other)

    def pause_writing(self) -> None:
        if self.tunnel is None:
            self._protocol.pause_writing()
        else:
            super().pause_writing()

    def resume_writing(self) -> None:
        if self.tunnel is None:
            self._protocol.resume_writing()
        else:
            super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._protocol.connection_lost(exc)
