"""Collects writes and sends them together, at the end of the event loop's turn."""

import asyncio


class Outbox:
    """All writes to one upstream, over any of its connections.

    Many requests arrive in one turn of the loop. If each is written at once, each wakes the upstream's process, and
    that costs more than the rest of a small write. If they are written together, they wake it once.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[tuple[asyncio.Transport, bytes]] = []

    def put(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write at the end of this turn."""
        if not self._waiting:
            self._loop.call_soon(self._empty)
        self._waiting.append((transport, data))

    def write(self, transport: asyncio.Transport, data: bytes) -> None:
        """Write now. Waiting writes go first, because some of them may be for the same connection."""
        self._waiting.append((transport, data))
        self._empty()

    def _empty(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transport, data in waiting:
            if not transport.is_closing():
                transport.write(data)
