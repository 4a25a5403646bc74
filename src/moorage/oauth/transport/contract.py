"""The contract of transports to accounts servers and APIs, which are remote or run in this process."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.errors import MoorageError


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request. `url` holds no secret. Headers and body may hold secrets, so `repr` does not show them."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """The answer to a request. `date` is the server's time in seconds since the epoch, if its answer has one."""

    status: int
    body: bytes = field(repr=False)
    date: float | None = None


class Unanswered(Exception):
    """No complete answer came. `sent` is True if the request may have arrived.

    `trouble` is the error if the cause is on this machine.
    """

    def __init__(self, message: str, *, sent: bool, trouble: MoorageError | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.trouble = trouble


# Sends a request and returns the reply. Raises Unanswered.
Send: TypeAlias = Callable[[HttpCall], Awaitable[HttpReply]]
