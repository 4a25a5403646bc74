"""How an accounts server or an API is asked something, whether it is outside or inside this process."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from moorage.errors import MoorageError


@dataclass(frozen=True, slots=True)
class Call:
    """`url` holds no secret: those stand in headers and bodies, which no log and no `repr` shows."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """`date` is the other side's idea of time, in seconds since the epoch, if it told."""

    status: int
    body: bytes = field(repr=False)
    date: float | None = None


class Unanswered(Exception):
    """No whole answer came. `sent` says whether the call may have arrived, `trouble` what of our own hindered it."""

    def __init__(self, message: str, *, sent: bool, trouble: MoorageError | None = None) -> None:
        super().__init__(message)
        self.sent = sent
        self.trouble = trouble


# Raises Unanswered.
Send: TypeAlias = Callable[[Call], Awaitable[Reply]]
