"""What the gateway notes of a call when it has ended.

The last calls wait as objects. They are written down on sheets together, and then no object lives on. All else is done
later, for whole sheets (decision 0064).
"""

from collections.abc import Sequence
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


class Note(msgspec.Struct, gc=False):
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


# How a call has ended, as it is written: the first or all members of an `Ending`.
Plain: TypeAlias = tuple[float, float, int, bytes, int, int]
Whole: TypeAlias = tuple[float, float, int, bytes, int, int, float, float, Source, str | None, Sent]


class Ending(msgspec.Struct, gc=False, array_like=True):
    """How a call has ended, as it is read. Moments and names are those of a `Note`.

    Of most calls only the first six members are written: they were sent at once, and the app answered in one piece. So
    `answered_at` is None if it is `ended`, and `sent_at` if it is `began`. If the call belongs to a trace, a space
    and the id of that follow the request id; most calls belong to none, and so they have not one byte more.
    """

    began: float
    ended: float
    status: int
    request_id: bytes
    bytes_out: int
    bytes_in: int
    answered_at: float | None = None
    sent_at: float | None = None
    source: Source = "upstream"
    error: str | None = None
    sent: Sent = "true"

    @property
    def was_sent_at(self) -> float:
        return self.began if self.sent_at is None else self.sent_at

    @property
    def was_answered_at(self) -> float:
        return self.ended if self.answered_at is None else self.answered_at


def note_of(
    caller: Caller,
    method: bytes,
    native: bytes,
    ending: Ending,
    operation: Operation | None = None,
    verdict: str | None = None,
    rule: str | None = None,
) -> Note:
    """What is known of a call."""
    request_id, _, trace = ending.request_id.partition(b" ")
    return Note(
        caller,
        method,
        native,
        request_id,
        ending.began,
        ending.was_sent_at,
        ending.was_answered_at,
        ending.ended,
        ending.status,
        ending.source,
        ending.error,
        ending.bytes_in,
        ending.bytes_out,
        ending.sent,
        operation,
        verdict,
        rule,
        trace.decode() if trace else None,
    )


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


class Named(Protocol):
    @property
    def caller(self) -> Caller: ...


class Asked(Protocol):
    @property
    def method(self) -> bytes: ...


class PlainCall(Protocol):
    """A call without a body that was sent at once, and answered in one piece at `answered_at`. It changes no more."""

    @property
    def resolved(self) -> Named: ...
    @property
    def head(self) -> Asked: ...
    @property
    def native(self) -> bytes: ...
    @property
    def decision(self) -> Decided | None: ...
    @property
    def began(self) -> float: ...
    @property
    def answered_at(self) -> float: ...
    @property
    def status(self) -> int: ...
    @property
    def request_id(self) -> bytes: ...
    @property
    def bytes_out(self) -> int: ...


LONGEST_SHEET = 500  # Calls.
# Calls that are written down together. The code and the data of this are out of the processor's caches by the time that
# the next call ends, so for one call alone it takes several times as long. Many more calls would fill the caches
# themselves.
TOGETHER = 125
_ARRAY_16 = (
    16  # An array of that many members has its length behind its first byte, in 16 bits [MessagePack].
)
_encode = msgspec.msgpack.Encoder().encode


class OtherAccount(Exception):
    """A call was made for another account than that of a sheet."""


class Places(dict[What, int]):
    """A number for each `What` of an account, in the order in which they are asked for."""

    __slots__ = ("_account_id",)

    def __init__(self, account_id: str) -> None:
        super().__init__()
        self._account_id = account_id

    def __missing__(self, what: What) -> int:
        if what[0].account_id != self._account_id:
            raise OtherAccount
        place = self[what] = len(self)
        return place


class Sheet:
    """Calls of one account, in the order in which they ended.

    `places` has each `What` with a number, and `order` such a number for each call. `endings` has in MessagePack how
    each call has ended, in parts of some calls each. `bodies` are by the index of their call.
    """

    __slots__ = ("account_id", "bodies", "endings", "order", "places")

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.places = Places(account_id)
        self.order: list[int] = []
        self.endings: list[bytes] = []
        self.bodies: dict[int, Bodies] = {}

    def __len__(self) -> int:
        return len(self.order)

    def add(self, calls: Sequence[What], endings: Sequence[Plain | Whole]) -> None:
        """Raises OtherAccount, and then adds no call, if one of them was made for another account."""
        self.order += [*map(self.places.__getitem__, calls)]
        array = _encode(endings)
        self.endings.append(array[1:] if len(endings) < _ARRAY_16 else array[3:])


class Notes:
    """The notes that wait to be written. `strangers` counts all calls whose key is not known, `dropped` all lost notes.

    `plain` has the last plain calls, which are not on a sheet yet. The hot path appends to it by itself, because that
    costs less than a method. `bodies` is None if no bodies are kept.
    """

    __slots__ = (
        "_begun",
        "_bodies",
        "_calls",
        "_endings",
        "_full",
        "bodies",
        "dropped",
        "plain",
        "strangers",
    )

    def __init__(self, bodies: "WaitingBodies | None" = None) -> None:
        self.bodies = bodies
        self.strangers = 0
        self.dropped = 0
        self.plain: list[PlainCall] = []
        # Calls that ended before those in `plain`, and are not on a sheet yet either.
        self._calls: list[What] = []
        self._endings: list[Plain | Whole] = []
        self._bodies: dict[int, Bodies] = {}  # By the index of their call in `_calls`.
        self._begun: dict[str, Sheet] = {}  # One for each account.
        self._full: list[Sheet] = []

    def __len__(self) -> int:
        on_sheets = sum(map(len, (*self._full, *self._begun.values())))
        return len(self.plain) + len(self._calls) + on_sheets

    def add(self, what: What, ending: Plain | Whole) -> None:
        """Note a call, however it has ended."""
        if len(self._calls) + len(self.plain) >= TOGETHER:
            self.write_down()
        self._read_plain()
        self._calls.append(what)
        self._endings.append(ending)

    @property
    def last(self) -> Note:
        """The call that was noted last, without its trace."""
        caller, method, native, _ = self._calls[-1]
        return note_of(caller, method, native, Ending(*self._endings[-1]))

    def name_trace(self, trace_id: bytes) -> None:
        """Note the trace of the call that was noted last."""
        began, ended, status, request_id, *others = self._endings[-1]
        self._endings[-1] = began, ended, status, b"%b %b" % (request_id, trace_id), *others

    def keep(self, bodies: "Bodies") -> None:
        """Keep the bodies of the call that was noted last, if there is room for them."""
        assert self.bodies is not None
        if self.bodies.admit(bodies):
            self._bodies[len(self._calls) - 1] = bodies

    def write_down(self) -> None:
        """Write the last calls down on the sheets of their accounts."""
        self._read_plain()
        if self._bodies:
            self._write_apart()
        elif self._calls:
            account_id, count = self._calls[0][0].account_id, len(self._calls)
            try:
                self._sheet(account_id, count).add(self._calls, self._endings)
            except OtherAccount:
                self._write_apart()
        self._calls.clear()
        self._endings.clear()

    def _read_plain(self) -> None:
        """Put what the log keeps of the plain calls behind that of the others."""
        plain = self.plain
        self._calls += [
            (call.resolved.caller, call.head.method, call.native, call.decision) for call in plain
        ]
        self._endings += [
            (call.began, call.answered_at, call.status, call.request_id, call.bytes_out, 0) for call in plain
        ]
        plain.clear()

    def _write_apart(self) -> None:
        """The same for calls of several accounts, and for those whose bodies are kept."""
        indexes: dict[str, list[int]] = {}
        for index, (caller, *_) in enumerate(self._calls):
            indexes.setdefault(caller.account_id, []).append(index)
        for account_id, those in indexes.items():
            sheet = self._sheet(account_id, len(those))
            for place, index in enumerate(those, len(sheet)):
                if index in self._bodies:
                    sheet.bodies[place] = self._bodies[index]
            sheet.add([self._calls[index] for index in those], [self._endings[index] for index in those])
        self._bodies.clear()

    def _sheet(self, account_id: str, count: int) -> Sheet:
        """A sheet with room for so many more calls of an account."""
        sheet = self._begun.get(account_id)
        if sheet is not None and len(sheet) + count > LONGEST_SHEET:
            self._full.append(sheet)
            sheet = None
        if sheet is None:
            sheet = self._begun[account_id] = Sheet(account_id)
        return sheet

    def take(self) -> list[Sheet]:
        """Remove all sheets, and return them."""
        self.write_down()
        taken = [*self._full, *self._begun.values()]
        self._full.clear()
        self._begun.clear()
        return taken
