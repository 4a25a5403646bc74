"""What the gateway notes of a call when it has ended.

A note is written down at once, on a sheet: some bytes in a buffer, beside which no object lives on. All else is done
later, for whole sheets (decision 0064).
"""

from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import msgspec

if TYPE_CHECKING:
    from moorage.requests.bodies import Bodies, WaitingBodies

Source: TypeAlias = Literal["gateway", "upstream"]
Sent: TypeAlias = Literal["true", "false", "unknown"]


class Caller(msgspec.Struct, frozen=True, gc=False, array_like=True, cache_hash=True):
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
    code of an error of the gateway, or says why an answer is not whole. `verdict` and `rule` are None for a key that
    may do everything. `trace` is the id of the trace that the call belongs to.
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
    trace: str | None = None


# How a call has ended: the members of its note from `request_id` to `sent`. If the call belongs to a trace, a space and
# the id of that follow the request id. Most calls belong to none, and so they have not one byte more.
Ending: TypeAlias = tuple[bytes, float, float, float, float, int, Source, str | None, int, int, Sent]


class Classified(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def modules(self) -> tuple[str, ...]: ...


class Ruled(Protocol):
    @property
    def action(self) -> str: ...
    @property
    def rule(self) -> str | None: ...


class Decided(Protocol):
    """What a policy has decided about a call. Without an `operation`, the call is what its method and path say."""

    @property
    def operation(self) -> Classified | None: ...
    @property
    def verdict(self) -> Ruled: ...


# What was called, which many calls have in common: the caller, the method, what followed the app's name, the decision.
What: TypeAlias = tuple[Caller, bytes, bytes, Decided | None]

LONGEST_SHEET = 500  # Calls.
_append = msgspec.msgpack.Encoder().encode_into


class Sheet:
    """Calls of one account, in the order in which they ended.

    `places` has each `What` with a number; `order` has such a number for each call, and `endings` its `Ending` in
    MessagePack. `bodies` are by the index of their call.
    """

    __slots__ = ("account_id", "bodies", "endings", "order", "places")

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.places: dict[What, int] = {}
        self.order: list[int] = []
        self.endings = bytearray()
        self.bodies: dict[int, Bodies] = {}

    def __len__(self) -> int:
        return len(self.order)


class Notes:
    """The notes that wait to be written. `strangers` counts all calls whose key is not known, `dropped` all lost notes.

    `bodies` is None if no bodies are kept.
    """

    __slots__ = ("_begun", "_full", "bodies", "dropped", "strangers")

    def __init__(self, bodies: "WaitingBodies | None" = None) -> None:
        self.bodies = bodies
        self.strangers = 0
        self.dropped = 0
        self._begun: dict[str, Sheet] = {}  # One for each account.
        self._full: list[Sheet] = []

    def __len__(self) -> int:
        return sum(map(len, (*self._full, *self._begun.values())))

    def add(self, what: What, ending: Ending) -> Sheet:
        """Note a call. Returns the sheet, on which it is the last one."""
        account_id = what[0].account_id
        sheet = self._begun.get(account_id)
        if sheet is None:
            sheet = self._begun[account_id] = Sheet(account_id)
        order, places = sheet.order, sheet.places
        order.append(places.setdefault(what, len(places)))
        _append(ending, sheet.endings, -1)
        if len(order) == LONGEST_SHEET:
            self._full.append(self._begun.pop(account_id))
        return sheet

    def take(self) -> list[Sheet]:
        """Remove all sheets, and return them."""
        taken = [*self._full, *self._begun.values()]
        self._full.clear()
        self._begun.clear()
        return taken
