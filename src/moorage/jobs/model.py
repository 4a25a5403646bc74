"""A job, and the work of a kind of jobs."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

# Seconds. No job is put off for longer. Whoever wants more puts it off again.
LONGEST_PAUSE = 86_400.0
_FIRST_PAUSE = 5.0  # Seconds from a job's first failure to its next attempt.
_MOST_PAUSE = 3600.0


class Job(msgspec.Struct, frozen=True):
    """A job that was claimed.

    `attempt` is the number of the claim: whoever claims the job next has a higher one, and then nothing that this
    holder says about the job counts any more. `failures` is the number of attempts since the last success that failed,
    or whose process ended before it said how they went. `payload` is any JSON value.
    """

    id: str
    kind: str
    subject: str | None
    payload: Any
    attempt: int
    failures: int


class PutOff(Exception):
    """Raised by work that is to go on in so many seconds, or after `LONGEST_PAUSE`. That is no failure."""

    def __init__(self, seconds: float) -> None:
        super().__init__("put off")
        self.seconds = seconds


class Work(msgspec.Struct, frozen=True):
    """What is done for jobs of a kind. `kind` is the room and the work, as in `connections.end_unopened`.

    `run` may run again for the same job: it has failed if it raises an exception, and a process may end at any time.
    If it is cancelled, the job is given back, and becomes due at once.

    A kind with `every` has one job, which is done every so many seconds by one of all processes. A job of another kind
    is given up after `most_failures`, and is kept with the reason.
    """

    kind: str
    run: Callable[[Job], Awaitable[object]]
    every: float | None = None
    most_failures: int = 10

    def gives_up(self, failures: int) -> bool:
        return self.every is None and failures >= self.most_failures

    def pause(self, failures: int) -> float:
        """Seconds until the next attempt, after so many failures. It doubles with each."""
        pause = min(_FIRST_PAUSE * 2.0 ** min(failures - 1, 20), _MOST_PAUSE)
        return pause if self.every is None else min(pause, self.every)
