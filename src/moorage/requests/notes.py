"""What the gateway notes of a call when it has ended. A call pays for one note in a list; all else is done later."""

from typing import TYPE_CHECKING, Literal, TypeAlias

import msgspec

if TYPE_CHECKING:
    from moorage.requests.bodies import WaitingBodies

Source: TypeAlias = Literal["gateway", "upstream"]
Sent: TypeAlias = Literal["true", "false", "unknown"]


class Caller(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """Who called an app, and through which connection. The last two are None if no connection was chosen."""

    account_id: str
    key_id: str
    app: str
    connection_id: str | None = None
    environment: str | None = None


class Operation(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """What a call does. `kind` is `read`, `write` or `destructive`; `modules` are those that it is about."""

    name: str
    kind: str
    modules: tuple[str, ...] = ()


class Note(msgspec.Struct, gc=False, array_like=True):
    """A call that has ended. Its moments are seconds of the monotonic clock; `answered_at` is 0 without an answer.

    `native` is what followed the app's name, with the query. `status` is 0 if the caller got no answer. `error` is the
    code of an error of the gateway, or says why an answer is not whole. Blocks of the log contain notes as they are: a
    new field is the last one, and has a default. `verdict` and `rule` are None for a key that may do everything.
    """

    caller: Caller
    method: bytes
    native: bytes
    request_id: bytes
    began: float
    sent_at: float
    answered_at: float
    ended: float
    status: int
    source: Source
    error: str | None
    bytes_in: int
    bytes_out: int
    sent: Sent
    operation: Operation | None = None
    verdict: str | None = None
    rule: str | None = None


class Notes:
    """The notes that wait to be written. `strangers` counts the calls whose key is not known, `dropped` lost notes.

    `bodies` is None if no bodies are kept.
    """

    __slots__ = ("add", "bodies", "dropped", "strangers", "waiting")

    def __init__(self, bodies: "WaitingBodies | None" = None) -> None:
        self.bodies = bodies
        self.waiting: list[Note] = []
        self.add = self.waiting.append
        self.strangers = 0
        self.dropped = 0

    def take(self, most: int) -> list[Note]:
        """Remove the oldest notes, at most so many, and return them."""
        taken = self.waiting[:most]
        del self.waiting[:most]
        return taken
