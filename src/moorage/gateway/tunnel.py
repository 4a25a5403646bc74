"""Joins two connections after a switch of protocols: each byte that arrives at one leaves at the other."""

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, TypeAlias

from moorage.errors import MoorageError
from moorage.gateway.frames import Frames, close_frame
from moorage.gateway.limits import Limits
from moorage.gateway.resolve import Resolver
from moorage.gateway.target import RouteKey, Target
from moorage.http.breaking import BreakingOff, reset
from moorage.logs import Log

GOING_AWAY = 1001  # Codes of RFC 6455, 7.4.1.
POLICY = 1008
_CLOSING_SECONDS = 2.0  # After the other side has gone, a side has this long to end.
_SWEEP_SECONDS = 1.0
_CONFIRM_SWEEPS = 2  # The sweeps between two checks that a caller may still use its connection.

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
        self.has_ended = False  # True if no more bytes arrive here.
        self.is_full = False  # True while no more bytes may be written.

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
        """True if bytes may still arrive here."""
        return not self.has_ended and not self.transport.is_closing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.tunnel is not None:
            self.tunnel.on_lost(self, exc)


class Tunnel:
    """A tunnel to `target`. `route_key` has the API key that opened it, and the connection that it uses."""

    def __init__(self, caller: End, app: End, route_key: RouteKey, target: Target, limits: Limits) -> None:
        self._loop = asyncio.get_running_loop()
        self._ends = (caller, app)
        self._limits = limits
        self._active = self._loop.time()
        self._closing = False
        # True after each side got a close frame, if possible. Then it should end by itself.
        self.was_notified = False
        self.route_key = route_key
        self.target = target
        # The last check that the caller may use the connection: the resolver's generation at that time, and the time
        # until which the result holds, in seconds since the epoch.
        self.confirmed = -1
        self.confirmed_until = 0.0
        self.on_end: Callable[[], None] = lambda: None
        # Called once at the end, with the number of bytes from the caller and from the app.
        self.on_closed: Callable[[int, int], None] = _nobody
        self._passed = {True: 0, False: 0}  # The bytes that were sent to the app, and to the caller.
        app.is_app = True
        caller.other, app.other = app, caller
        caller.tunnel = app.tunnel = self

    def pass_on(self, data: bytes, to: End) -> None:
        self._active = self._loop.time()
        if not self._closing and not to.transport.is_closing():
            to.frames.feed(data)
            to.transport.write(data)
            self._passed[to.is_app] += len(data)

    def on_half_closed(self, end: End) -> bool:
        """A side has ended its sending, but may still receive. The result False closes its connection."""
        end.has_ended = True
        self._active = self._loop.time()
        other = end.other
        if self._closing or other.has_ended or not end.transport.can_write_eof():
            self._finish(other, is_notified=self.was_notified)
            return False
        if other.transport.can_write_eof():
            other.transport.write_eof()
        else:
            self._finish(other)  # With TLS, a connection can't be closed in only one direction.
        return True

    def on_lost(self, end: End, exc: Exception | None) -> None:
        end.has_ended = True
        other = end.other
        # With TLS, closing a side that has got a close frame would cut off its reply.
        waits = self.was_notified and not other.transport.is_closing()
        if not waits and (exc is None or self._closing):
            self._finish(other)
        elif not waits and not other.transport.is_closing():
            BreakingOff(other.transport, patience=self._limits.stalled)
        if not waits:
            self.on_end()
            on_closed, self.on_closed = self.on_closed, _nobody
            on_closed(self._passed[True], self._passed[False])
        end.tunnel = None  # A cycle would keep the buffers of TLS until the next full collection.
        end.other = end

    def check_idle(self, now: float) -> None:
        """End the tunnel if no byte has passed for too long."""
        quiet = now - self._active
        is_half = any(end.has_ended or end.is_full for end in self._ends)
        if quiet >= (self._limits.stalled if is_half else self._limits.quiet):
            self.close(GOING_AWAY, "no data passed for too long")

    def close(self, code: int, reason: str) -> None:
        """Send a close frame with the reason to both sides. A side that is in the middle of a frame gets a reset."""
        if self._closing:
            return
        self._closing = self.was_notified = True
        for end in self._ends:
            if end.transport.is_closing():
                continue
            if end.frames.closed or end.frames.at_boundary:
                if not end.frames.closed:
                    end.transport.write(close_frame(code, reason, masked=end.is_app))
                self._finish(end, is_notified=True)
            else:
                reset(end.transport)

    def abort(self) -> None:
        """End at once. A close frame that was written before still arrives."""
        self._closing = True
        for end in self._ends:
            if self.was_notified:
                end.transport.abort()
            elif not end.transport.is_closing():
                reset(end.transport)

    def _finish(self, end: End, *, is_notified: bool = False) -> None:
        """Close after everything is written. Until then read on, because closing at once could lose data on its way.

        With `is_notified`, the side has got a close frame and ends by itself.
        """
        transport = end.transport
        if transport.is_closing():
            return
        unsent = transport.get_write_buffer_size()
        if transport.can_write_eof() and not end.has_ended:
            transport.write_eof()
            end.socket.resume_reading()
        elif not is_notified:
            transport.close()
        self._closing = True
        self._loop.call_later(_CLOSING_SECONDS, self._check_closing, transport, unsent + 1)

    def _check_closing(self, transport: asyncio.Transport, before: int) -> None:
        """Abort a side that reads no more, or that does not end after everything was sent."""
        unsent = transport.get_write_buffer_size()
        if 0 < unsent < before:
            self._loop.call_later(_CLOSING_SECONDS, self._check_closing, transport, unsent)
        else:
            transport.abort()


def _nobody(_bytes_in: int, _bytes_out: int) -> None:
    """Nobody wants to know of the end."""


class Tunnels:
    """All tunnels of one process. It ends tunnels that are idle, and tunnels whose caller has lost its right."""

    def __init__(self, resolver: Resolver, limits: Limits) -> None:
        self._resolver = resolver
        self.limits = limits
        self._open: set[Tunnel] = set()
        self._checks: dict[_Use, asyncio.Task[None]] = {}
        self._sweeps = itertools.count(1)
        self._timer: asyncio.TimerHandle | None = None
        # When the process ends: set after the last tunnel has ended.
        self._ended: asyncio.Event | None = None

    @property
    def are_full(self) -> bool:
        """True if the highest allowed number of tunnels is open."""
        return len(self._open) >= self.limits.tunnels

    def add(self, tunnel: Tunnel) -> None:
        self._open.add(tunnel)
        tunnel.on_end = lambda: self._on_end(tunnel)
        if self._timer is None:
            self._wait()

    async def ended(self) -> None:
        """Wait until the tunnels that are closing have ended, but only for a short time."""
        if self._are_closing:
            self._ended = asyncio.Event()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_CLOSING_SECONDS):
                    await self._ended.wait()

    @property
    def _are_closing(self) -> bool:
        return any(tunnel.was_notified for tunnel in self._open)

    def _on_end(self, tunnel: Tunnel) -> None:
        self._open.discard(tunnel)
        if self._ended is not None and not self._are_closing:
            self._ended.set()

    def close(self) -> None:
        for task in self._checks.values():
            task.cancel()
        for tunnel in list(self._open):
            tunnel.abort()

    def _wait(self) -> None:
        pause = min(_SWEEP_SECONDS, self.limits.quiet / 4, self.limits.stalled / 4)
        self._timer = asyncio.get_running_loop().call_later(pause, self._sweep)

    def _sweep(self) -> None:
        self._timer = None
        now = asyncio.get_running_loop().time()
        for tunnel in list(self._open):
            tunnel.check_idle(now)
        if next(self._sweeps) % _CONFIRM_SWEEPS == 0:
            self._confirm()
        if self._open:
            self._wait()

    def _confirm(self) -> None:
        """Check that callers may still use their tunnels, if a key or a connection may have changed."""
        generation, now = self._resolver.generation, self._resolver.now()
        doubtful: dict[_Use, list[Tunnel]] = {}
        for tunnel in self._open:
            if tunnel.confirmed != generation or tunnel.confirmed_until <= now:
                connection = tunnel.target.connection
                key = (tunnel.route_key.digest, connection.id, connection.generation)
                doubtful.setdefault(key, []).append(tunnel)
        for key, tunnels in doubtful.items():
            if key not in self._checks:
                task = asyncio.get_running_loop().create_task(self._check_use(tunnels, generation))
                self._checks[key] = task
                task.add_done_callback(lambda _done, key=key: self._checks.pop(key))  # type: ignore[misc]

    async def _check_use(self, tunnels: list[Tunnel], generation: int) -> None:
        """Close the tunnels if their caller has lost its right. They all have the same caller and connection."""
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
