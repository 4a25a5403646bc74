"""How fast a job may go while others are answered by the same process."""

import asyncio
import contextlib
import sys
import threading
import time

CALM = 0.05  # Below this share of a core, the event loop has nearly nothing to do.
SHARE = 0.1  # The part of the time in which a job works while the event loop is busy.
LONGEST_PAUSE = 2.0  # Seconds.


class Pace:
    """Pauses between the steps of a job: short ones, and long ones while the event loop is busy with callers.

    Python runs one thread at a time, so a job that works all the time would take half of every caller's time.
    """

    def __init__(self) -> None:
        self._clock = _clock_of_this_thread()
        self._worked_since = time.monotonic()
        self._loop_time = self._time_of_loop()

    async def pause(self) -> None:
        """After a step. Its length is the time since the last pause."""
        worked = time.monotonic() - self._worked_since
        busy = (self._time_of_loop() - self._loop_time) / max(worked, 1e-6)
        pause = 0.0 if busy < CALM else min(worked * (1 - SHARE) / SHARE, LONGEST_PAUSE)
        await asyncio.sleep(pause)
        self._worked_since = time.monotonic()
        self._loop_time = self._time_of_loop()

    def _time_of_loop(self) -> float:
        """CPU seconds of the event loop's thread; where nobody knows them, all time counts as busy."""
        return time.monotonic() if self._clock is None else time.clock_gettime(self._clock)


def _clock_of_this_thread() -> int | None:
    """The clock of this thread's CPU time. macOS has none that other functions can ask."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            return time.pthread_getcpuclockid(threading.get_ident())
    return None
