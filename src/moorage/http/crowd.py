"""How many connections one process holds: where descriptors run short, idle ones make room for new ones."""

import heapq
import math
import time
from operator import itemgetter
from typing import Protocol

from moorage.logs import Log

_SHARE = 20  # One in so many is closed at once, so that not every newcomer costs a look at all.
_BUSY_SECONDS = 1.0  # Where fewer than that are idle, nobody looks for them again for so long.
_TOLD_EVERY = 60.0  # Seconds.

log = Log(__name__)


class Guest(Protocol):
    """A connection of a client."""

    def idle_since(self) -> tuple[bool, float] | None:
        """Whether it was ever served, and when it last did anything; None while a request is in progress."""

    def leave(self) -> None:
        """Close it."""


class Crowd:
    """The connections of all origins of a process. Beyond `limit`, the longest idle ones are closed.

    Those that never asked for anything go first, so that strangers who only connect push nobody out but each other. The
    newest goes where all others are at work.
    """

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        # In the order of their coming, which decides among equally idle ones.
        self._guests: dict[Guest, None] = {}
        self._closed = 0
        self._told = -math.inf
        self._busy_until = -math.inf

    def __len__(self) -> int:
        return len(self._guests)

    def enter(self, guest: Guest) -> None:
        self._guests[guest] = None
        if len(self._guests) > self.limit:
            self._make_room(guest)

    def leave(self, guest: Guest) -> None:
        self._guests.pop(guest, None)

    def _make_room(self, newest: Guest) -> None:
        now = time.monotonic()
        for guest in [newest] if now < self._busy_until else self._longest_idle(now):
            del self._guests[guest]
            guest.leave()
            self._closed += 1
        self._tell(now)

    def _longest_idle(self, now: float) -> list[Guest]:
        wanted = max(1, len(self._guests) // _SHARE)
        idle = [(since, guest) for guest in self._guests if (since := guest.idle_since()) is not None]
        if len(idle) < wanted:
            self._busy_until = now + _BUSY_SECONDS
        return [guest for _, guest in heapq.nsmallest(wanted, idle, key=itemgetter(0))]

    def _tell(self, now: float) -> None:
        if now - self._told >= _TOLD_EVERY:
            log.warning(
                "connections.crowded",
                open=len(self._guests),
                limit=self.limit,
                idle_ones_closed=self._closed,
                help="Raise the limit of open files (ulimit -n), or let a proxy in front limit connections.",
            )
            self._told, self._closed = now, 0
