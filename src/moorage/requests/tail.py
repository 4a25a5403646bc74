"""The live tail of the request log, as server-sent events."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import monotonic

import msgspec

from moorage.access import Principal
from moorage.errors import MoorageError
from moorage.requests.errors import TailsExhausted
from moorage.requests.model import Call, Names, call_document
from moorage.requests.service import Filter, Requests

MOST = 20  # Listeners of one process.
MOST_OF_KEY = 5  # Of them with one key, so that no program takes the places of all others.
PAUSE = 0.5  # Seconds between two looks for new calls.
SIGN = 15.0  # Seconds without a call after which a listener gets a sign of life.


class Listener(msgspec.Struct, frozen=True):
    """Who listens, and to what. `confirm` raises a MoorageError once the caller has lost its right."""

    account_id: str
    key_id: str
    wanted: Filter
    names: Names
    confirm: Callable[[], Awaitable[Principal]]


class Tails:
    """All listeners of one process. Each sees the calls of all processes, because it reads what they have written."""

    def __init__(self, requests: Requests, is_ending: Callable[[], bool]) -> None:
        self._requests = requests
        self._is_ending = is_ending
        self._listeners = Counter[str]()  # By the id of their key.

    def require_room(self, key_id: str) -> None:
        """Raises TailsExhausted."""
        if self._listeners[key_id] >= MOST_OF_KEY:
            raise TailsExhausted(MOST_OF_KEY, " with this key")
        if self._listeners.total() >= MOST:
            raise TailsExhausted(MOST)

    async def events(self, listener: Listener, number: int | None) -> AsyncGenerator[bytes, None]:
        """The calls with numbers higher than `number`; without it, those that are written from now on.

        It ends when the caller loses its right, and when the server stops.
        """
        self._listeners[listener.key_id] += 1
        try:
            if number is None:
                number = await self._requests.newest()
            yield b": the calls follow as they end\nretry: 2000\n\n"
            signed_at = monotonic()
            while not self._is_ending():
                end = await self._end(listener)
                if end is not None:
                    yield end
                    return
                calls, number = await self._requests.after(listener.account_id, number, listener.wanted)
                if calls:
                    yield b"".join(_event(call, listener.names) for call in calls)
                elif monotonic() - signed_at > SIGN:
                    yield b":\n\n"
                if calls or monotonic() - signed_at > SIGN:
                    signed_at = monotonic()
                await asyncio.sleep(PAUSE)
        finally:
            self._listeners[listener.key_id] -= 1
            self._listeners += Counter()  # This removes the keys without a listener.

    async def _end(self, listener: Listener) -> bytes | None:
        """The last event of a caller that has lost its right; None if it has not."""
        try:
            await listener.confirm()
        except MoorageError as error:
            reason = {"code": error.code, "message": error.message}
            return b"event: end\ndata: %b\n\n" % msgspec.json.encode(reason)
        return None


def _event(call: Call, names: Names) -> bytes:
    document = msgspec.json.encode(call_document(call, names))
    return b"id: %d\nevent: request\ndata: %b\n\n" % (call.number, document)
