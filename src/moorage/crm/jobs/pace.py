"""How fast a job may go while others are answered by the same process."""

from asyncio import sleep
from time import monotonic

from moorage.http.traffic import TRAFFIC, Traffic

CALLS = 20  # Requests answered in a second. Fewer are made by who only asks how far a job is.
LOOK = 0.1  # Seconds. In less time, two requests that arrive together would look like many.
SHARE = 0.1  # The part of the time in which a job works while callers are answered.
LONGEST_PAUSE = 2.0  # Seconds.


class Pace:
    """Pauses between the steps of a job: none, and long ones while the process answers callers.

    Python runs one thread at a time, so a job that works all the time would take half of every caller's time. Callers
    are counted, not timed: the CPU time of the event loop contains the job's own work, and callers who have to wait for
    a job take little of it.
    """

    def __init__(self, traffic: Traffic = TRAFFIC) -> None:
        self._traffic = traffic
        self._answered = traffic.answered
        self._callers = False
        self._worked_since = self._looked_at = monotonic()

    async def pause(self) -> None:
        """After a step. Its length is the time since the last pause."""
        now = monotonic()
        if now - self._looked_at >= LOOK:
            self._look(now)
        worked = now - self._worked_since
        await sleep(min(worked * (1 - SHARE) / SHARE, LONGEST_PAUSE) if self._callers else 0)
        self._worked_since = monotonic()

    def _look(self, now: float) -> None:
        answered = self._traffic.answered
        self._callers = answered - self._answered >= CALLS * (now - self._looked_at)
        self._answered, self._looked_at = answered, now
