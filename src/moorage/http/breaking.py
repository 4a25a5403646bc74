"""Connections that are broken off: their peers get all that was written, and see that it isn't all there was to be."""

import asyncio
import contextlib
import socket
import struct
import sys

try:
    import fcntl
    import termios
except ImportError:  # No Unix: what the kernel still holds can't be seen.
    fcntl = termios = None  # type: ignore[assignment]

_RESET = struct.pack("ii", 1, 0)
_FIRST_LOOK = 0.005  # Seconds; each look after it takes twice as long to come …
_SLOWEST_LOOK = 0.2  # … up to this.


def reset(transport: asyncio.Transport) -> None:
    """End a connection at once and by a reset. What is not delivered yet is lost."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


class BreakingOff:
    """Ends a connection by a reset as soon as its peer has all that was written, or has taken nothing for `patience`
    seconds. A reset, as a clean end is the end of an answer whose length nobody knows."""

    def __init__(self, transport: asyncio.Transport, *, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._patience = patience
        self._pause = _FIRST_LOOK
        self._left = _undelivered(transport)
        self._since = self._loop.time()
        self._look()

    def _look(self) -> None:
        if self._transport.is_closing():
            return
        before, self._left = self._left, _undelivered(self._transport)
        now = self._loop.time()
        if self._left < before:
            self._since = now
        if self._left == 0 or now - self._since >= self._patience:
            reset(self._transport)
            return
        self._loop.call_later(self._pause, self._look)
        self._pause = min(2 * self._pause, _SLOWEST_LOOK)


def _undelivered(transport: asyncio.Transport) -> int:
    """How many bytes of what was written the peer's machine has not said it has."""
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if waiting or sock is None or fcntl is None:
        return waiting
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int.from_bytes(answer, sys.byteorder)
