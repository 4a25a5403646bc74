"""Requests to an accounts server or an API, wherever it runs: elsewhere, or in this process."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.errors import MoorageError


@dataclass(frozen=True, slots=True)
class HttpCall:
    """A request. `url` holds no secret; headers and body may, and no log and no `repr` shows them."""

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
    """No complete answer came. `sent` says whether the request may have arrived.

    `trouble` is the error if the cause lies on this machine.
    """

    def __init__(self, message: str, *, sent: bool, trouble: MoorageError | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.trouble = trouble


# Sends a request and gives the answer. Raises Unanswered.
Send: TypeAlias = Callable[[HttpCall], Awaitable[HttpReply]]
