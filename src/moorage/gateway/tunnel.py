"""Two connections, joined after a switch of protocols: every byte that arrives at one leaves at the other."""

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, TypeAlias

from moorage.errors import MoorageError
from moorage.gateway.frames import Frames, close_frame
from moorage.gateway.resolve import Resolver, RouteKey, Target
from moorage.gateway.upstream import Limits
from moorage.http.breaking import BreakingOff, reset
from moorage.logs import Log

GOING_AWAY = 1001  # Codes of RFC 6455, 7.4.1.
POLICY = 1008
_CLOSING_SECONDS = 2.0  # How long a side may take to end, after it was told that the other is gone.
_SWEEP_SECONDS = 1.0
_CONFIRM_SWEEPS = 2  # How many sweeps lie between two checks that a caller may still use its connection.

if TYPE_CHECKING:
    from collections.abc import Callable

# A caller (the digest of its route key), a connection's id, and the number of its activation.
_Use: TypeAlias = tuple[bytes, str, int]

log = Log(__name__)


class End(asyncio.Protocol):
    """One of a tunnel's two connections. `socket` is the transport below TLS, `frames` follows the bytes sent here."""

    def __init__(self, transport: asyncio.Transport, socket: asyncio.Transport) -> None:
        self.transport = transport
        self.socket = socket
        self.frames = Frames()
        self.tunnel: Tunnel | None = None
        self.other: End = self
        self.is_app = False
        self.has_ended = False  # Nothing more arrives here.
        self.is_full = False  # Nothing more may be written for now.

    def data_received(self, data: bytes) -> None:
        if self.tunnel is not None:
            self.tunnel.pass_on(data, self.other)

    def eof_received(self) -> bool:
        return self.tunnel is not None and self.tunnel.on_half_closed(self)

    def pause_writing(self) -> None:
        self.is_full = True
        if self.other.arrives:
            self.other.socket.pause_reading()

    def resume_writing(self) -> None:
        self.is_full = False
        if self.other.arrives:
            self.other.socket.resume_reading()

    @property
    def arrives(self) -> bool:
        """Whether bytes may still arrive here."""
        return not self.has_ended and not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.tunnel is not None:
            self.tunnel.on_lost(self, exc)


class Tunnel:
    """`target` is where the tunnel leads; `route_key` says who opened it, and through which connection."""

    def __init__(self, caller: End, app: End, route_key: RouteKey, target: Target, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = (caller, app)
        self._limits = limits
        self._active = self._loop.time()
        self._closing = False
        self.was_told = False  # Each side was told, where a close frame fitted, and should end by itself.
        self.route_key = route_key
        self.target = target
        self.confirmed = -1  # The resolver's generation when the caller was last allowed …
        self.confirmed_until = 0.0  # … and until when that holds, in seconds since the epoch.
        self.on_end: Callable[[], None] = lambda: None
        app.is_app = True
        caller.other, app.other = app, caller
        caller.tunnel = app.tunnel = self

    def pass_on(self, data: bytes, to: End) -> None:
        self._active = self._loop.time()
        if not self._closing and not to.transport.is_closing():
            to.frames.feed(data)
            to.transport.write(data)

    def on_half_closed(self, end: End) -> bool:
        """A side sends nothing more, but may still receive. The result False closes its connection."""
        end.has_ended = True
        self._active = self._loop.time()
        other = end.other
        if self._closing or other.has_ended or not end.transport.can_write_eof():
            self._finish(other, is_told=self.was_told)
            return False
        if other.transport.can_write_eof():
            other.transport.write_eof()
        else:
            self._finish(other)  # TLS has no half of a connection.
        return True

    def on_lost(self, end: End, exc: Exception | None) -> None:
        end.has_ended = True
        other = end.other
        # With TLS, closing a side that has got a close frame would cut off its reply.
        waits = self.was_told and not other.transport.is_closing()
        if not waits and (exc is None or self._closing):
            self._finish(other)
        elif not waits and not other.transport.is_closing():
            BreakingOff(other.transport, patience=self._limits.stalled)
        if not waits:
            self.on_end()
        end.tunnel = None  # A cycle would keep the buffers of TLS until the next full collection.
        end.other = end

    def look(self, now: float) -> None:
        """End the tunnel if nothing has passed for too long."""
        quiet = now - self._active
        is_half = any(end.has_ended or end.is_full for end in self._ends)
        if quiet >= (self._limits.stalled if is_half else self._limits.quiet):
            self.close(GOING_AWAY, "no data passed for too long")

    def close(self, code: int, reason: str) -> None:
        """Tell both sides that the tunnel ends and why. A side that is in the middle of a frame is broken off."""
        if self._closing:
            return
        self._closing = self.was_told = True
        for end in self._ends:
            if end.transport.is_closing():
                continue
            if end.frames.closed or end.frames.at_boundary:
                if not end.frames.closed:
                    end.transport.write(close_frame(code, reason, masked=end.is_app))
                self._finish(end, is_told=True)
            else:
                reset(end.transport)

    def abort(self) -> None:
        """End at once. A side that was told why still receives that."""
        self._closing = True
        for end in self._ends:
            if self.was_told:
                end.transport.abort()
            elif not end.transport.is_closing():
                reset(end.transport)

    def _finish(self, end: End, *, is_told: bool = False) -> None:
        """Close after everything is written, and read until then: closing at once could destroy data on its way.

        With `is_told` the side ends by itself."""
        transport = end.transport
        if transport.is_closing():
            return
        left = transport.get_write_buffer_size()
        if transport.can_write_eof() and not end.has_ended:
            transport.write_eof()
            end.socket.resume_reading()
        elif not is_told:
            transport.close()
        self._closing = True
        self._loop.call_later(_CLOSING_SECONDS, self._look_at_closing, transport, left + 1)

    def _look_at_closing(self, transport: asyncio.Transport, before: int) -> None:
        """Give up a side that reads nothing more, or that does not end after everything was sent."""
        left = transport.get_write_buffer_size()
        if 0 < left < before:
            self._loop.call_later(_CLOSING_SECONDS, self._look_at_closing, transport, left)
        else:
            transport.abort()


class Tunnels:
    """All tunnels of one process. Ends those that are idle, and those whose caller lost its right."""

    def __init__(self, resolver: Resolver, limits: Limits) -> None:
        self._resolver = resolver
        self._limits = limits
        self._open: set[Tunnel] = set()
        self._asking: dict[_Use, asyncio.Task[None]] = {}
        self._sweeps = itertools.count(1)
        self._timer: asyncio.TimerHandle | None = None
        self._ended: asyncio.Event | None = None  # Set when the last tunnel has ended, as the process does.

    @property
    def are_full(self) -> bool:
        """Whether the highest number of tunnels is open."""
        return len(self._open) >= self._limits.tunnels

    def add(self, tunnel: Tunnel) -> None:
        self._open.add(tunnel)
        tunnel.on_end = lambda: self._on_end(tunnel)
        if self._timer is None:
            self._wait()

    async def ended(self) -> None:
        """Wait, for a short time at most, until the tunnels that were told to end have ended."""
        if self._are_ending:
            self._ended = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), _CLOSING_SECONDS)

    @property
    def _are_ending(self) -> bool:
        return any(tunnel.was_told for tunnel in self._open)

    def _on_end(self, tunnel: Tunnel) -> None:
        self._open.discard(tunnel)
        if self._ended is not None and not self._are_ending:
            self._ended.set()

    def close(self) -> None:
        for task in self._asking.values():
            task.cancel()
        for tunnel in list(self._open):
            tunnel.abort()

    def _wait(self) -> None:
        pause = min(_SWEEP_SECONDS, self._limits.quiet / 4, self._limits.stalled / 4)
        self._timer = asyncio.get_running_loop().call_later(pause, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for tunnel in list(self._open):
            tunnel.look(now)
        if next(self._sweeps) % _CONFIRM_SWEEPS == 0:
            self._confirm()
        if self._open:
            self._wait()

    def _confirm(self) -> None:
        """Check that callers may still use their tunnels, where a key or a connection may have changed."""
        generation, now = self._resolver.generation, self._resolver.now()
        doubtful: dict[_Use, list[Tunnel]] = {}
        for tunnel in self._open:
            if tunnel.confirmed != generation or tunnel.confirmed_until <= now:
                connection = tunnel.target.connection
                key = (tunnel.route_key.digest, connection.id, connection.generation)
                doubtful.setdefault(key, []).append(tunnel)
        for key, tunnels in doubtful.items():
            if key not in self._asking:
                task = asyncio.get_running_loop().create_task(self._ask(tunnels, generation))
                self._asking[key] = task
                task.add_done_callback(lambda _done, key=key: self._asking.pop(key))  # type: ignore[misc]

    async def _ask(self, tunnels: list[Tunnel], generation: int) -> None:
        """The tunnels have the same caller and the same connection."""
        try:
            until = await self._resolver.confirm(tunnels[0].route_key, tunnels[0].target)
        except MoorageError as error:
            log.warning("websocket.not_confirmed", code=error.code, reason=error.message)
            return
        for tunnel in tunnels:
            if until is None:
                tunnel.close(POLICY, "the API key or the connection has ended")
            else:
                tunnel.confirmed, tunnel.confirmed_until = generation, until
