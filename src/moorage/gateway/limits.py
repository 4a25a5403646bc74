"""Limits for the connections to upstreams."""

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Limits for the connections to upstreams. Times are in seconds."""

    connect: float = 10.0  # The time for one attempt to connect.
    answer: float = 60.0  # From the end of the request to the end of the answer's head.
    idle: float = 60.0  # Between two parts of an answer.
    stalled: float = 60.0  # A caller that reads nothing of an answer for this time loses it.
    # An unused connection is closed after this time. Most servers keep connections longer.
    kept: float = 15.0
    connections: int = 512  # To one origin.
    quiet: float = 300.0  # A tunnel without any byte in either direction is closed after this time.
    tunnels: int = 1000  # In one process. They do not count towards `connections`.

    @property
    def wait(self) -> float:
        """The time to wait for a connection: twice the time of one attempt, as another call may have to end first."""
        return min(2 * self.connect, max(self.connect, self.answer))


def limits_of(answer_timeout: float) -> Limits:
    """The limits for an app that may take `answer_timeout` seconds to answer. Connecting may not take longer."""
    return Limits(connect=min(Limits().connect, answer_timeout), answer=answer_timeout, idle=answer_timeout)
