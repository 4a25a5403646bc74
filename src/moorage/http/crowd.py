"""Limits the connections of one process. At the limit, idle connections are closed for new ones."""

import heapq
import math
import time
from operator import itemgetter
from typing import Protocol

from moorage.logs import Log

_CLOSED_SHARE = 20  # At the limit, one connection in 20 is closed, so that not each new one costs a search.
_BUSY_SECONDS = 1.0  # If a search finds too few idle connections, the next search comes this much later.
_LOG_SECONDS = 60.0  # The time between two lines in the log.

log = Log(__name__)


class CrowdMember(Protocol):
    """A connection of a client."""

    def idle_since(self) -> tuple[bool, float] | None:
        """Whether it has ever sent a request, and the time of its last activity; None during a request."""

    def leave(self) -> None:
        """Close the connection."""


class Crowd:
    """The connections of all origins of a process. Beyond `limit`, those that have been idle longest are closed.

    Connections without any request are closed first. So strangers who only connect can push out only each other. If no
    connection is idle, the newest one is closed.
    """

    def __init__(self, limit: float = math.inf) -> None:
        self.limit = limit
        # True if the process will stop. Then each connection ends with its next answer.
        self.is_ending = False
        # In the order in which they were opened, which decides between equally idle connections.
        self._members: dict[CrowdMember, None] = {}
        self._closed = 0
        self._logged_at = -math.inf
        self._busy_until = -math.inf

    def __len__(self) -> int:
        return len(self._members)

    def enter(self, member: CrowdMember) -> None:
        self._members[member] = None
        if len(self._members) > self.limit:
            self._make_room(member)

    def leave(self, member: CrowdMember) -> None:
        self._members.pop(member, None)

    def _make_room(self, newest: CrowdMember) -> None:
        now = time.monotonic()
        for member in [newest] if now < self._busy_until else self._least_needed(now):
            del self._members[member]
            member.leave()
            self._closed += 1
        self._log(now)

    def _least_needed(self, now: float) -> list[CrowdMember]:
        count = max(1, len(self._members) // _CLOSED_SHARE)
        idle = [(since, member) for member in self._members if (since := member.idle_since()) is not None]
        if len(idle) < count:
            self._busy_until = now + _BUSY_SECONDS
        return [member for _, member in heapq.nsmallest(count, idle, key=itemgetter(0))]

    def _log(self, now: float) -> None:
        if now - self._logged_at >= _LOG_SECONDS:
            log.warning(
                "connections.crowded",
                open=len(self._members),
                limit=self.limit,
                idle_ones_closed=self._closed,
                help="Raise the limit of open files (ulimit -n), or put a proxy in front that limits connections.",
            )
            self._logged_at, self._closed = now, 0
