"""Breaks connections off. The peer gets all bytes that were written, and sees that the answer is not complete."""

import asyncio
import contextlib
import socket
import struct
import sys

try:
    import fcntl
    import termios
except ImportError:  # Without Unix, the bytes in the kernel's buffer can't be counted.
    fcntl = termios = None  # type: ignore[assignment]

_RESET = struct.pack("ii", 1, 0)
# Seconds between two looks at the kernel's buffer. The pause doubles with each look, up to the longest.
_FIRST_PAUSE = 0.005
_LONGEST_PAUSE = 0.2


def reset(transport: asyncio.Transport) -> None:
    """End a connection at once with a TCP reset. Bytes that are not delivered yet are lost."""
    sock = transport.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    transport.abort()


class BreakingOff:
    """Resets a connection when the peer has all bytes that were written, or has taken none for `patience` seconds.

    It has to be a reset: a clean end would look like the end of an answer without a length.
    """

    def __init__(self, transport: asyncio.Transport, *, patience: float) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._patience = patience
        self._pause = _FIRST_PAUSE
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
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)


def _undelivered(transport: asyncio.Transport) -> int:
    """The number of written bytes that the peer's machine has not acknowledged."""
    waiting = transport.get_write_buffer_size()
    sock = transport.get_extra_info("socket")
    if waiting or sock is None or fcntl is None:
        return waiting
    try:
        answer = fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
    except OSError:
        return 0
    return int.from_bytes(answer, sys.byteorder)
