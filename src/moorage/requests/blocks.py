"""A block of the log: the calls of a sheet, as they are stored.

A block is MessagePack with three members: what was called, which of that each call did, and how each call ended. So a
word that a wanted call has to contain can be searched in its bytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from moorage.requests.notes import Caller, Ending, Note, Operation, Sheet


class Called(msgspec.Struct, gc=False, array_like=True):
    """What was called, as the log keeps it. A new member is the last one, and has a default."""

    caller: Caller
    method: bytes
    native: bytes
    operation: Operation | None = None
    verdict: str | None = None
    rule: str | None = None


class _Content(msgspec.Struct, gc=False):
    called: list[Called]
    order: list[int]
    endings: list[Ending]


class NewBlock(msgspec.Struct, frozen=True):
    """A block that has to be stored. `bodies` are texts, by the index of their call; `callers` made the calls."""

    account_id: str
    count: int
    content: bytes
    bodies: Mapping[int, str] = msgspec.field(default_factory=dict)
    callers: frozenset[Caller] = frozenset()


_STATUS: Final = 5  # Its place in an `Ending`.
_HELD: Final = "approval_required"
_MAP = 0x80  # A map of a few members [MessagePack].
_ARRAY_32 = b"\xdd"  # An array, whose length follows in 32 bits [MessagePack].


class Ended(msgspec.Struct, gc=False, array_like=True):
    """The first members of an `Ending`, as far as sums need them. They are read twice as fast as whole notes."""

    request_id: bytes
    began: float
    sent_at: float
    answered_at: float
    ended: float
    status: int
    source: str
    error: str | None


class _EndedContent(msgspec.Struct, gc=False):
    endings: list[Ended]


class _PartContent(msgspec.Struct, gc=False):
    """A block of which it is read what some of the calls were."""

    called: list[msgspec.Raw]
    order: list[int]
    endings: list[Ending]


class _ErrorsContent(msgspec.Struct, gc=False):
    """The same for what sums need of endings."""

    called: list[msgspec.Raw]
    order: list[int]
    endings: list[Ended]


class _CalledBy(msgspec.Struct, gc=False, array_like=True):
    """The first member of a `Called`."""

    caller: Caller


class _CallersContent(msgspec.Struct, gc=False):
    called: list[_CalledBy]
    order: list[int]
    endings: list[Ended]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Content).decode
_decode_called = msgspec.msgpack.Decoder(Called).decode
_decode_part = msgspec.msgpack.Decoder(_PartContent).decode
_decode_callers = msgspec.msgpack.Decoder(_CallersContent).decode
_decode_errors = msgspec.msgpack.Decoder(_ErrorsContent).decode
_decode_ended = msgspec.msgpack.Decoder(_EndedContent).decode
_decode_endings = msgspec.msgpack.Decoder(list[Ending]).decode
_decode_older = msgspec.msgpack.Decoder(list[Note]).decode


def endings_of(sheet: Sheet) -> list[Ending]:
    """How the calls of a sheet have ended, in the order of `sheet.order`."""
    return _decode_endings(_array(sheet))


def content_of(sheet: Sheet, called: Sequence[Called]) -> bytes:
    """The content of a block with the calls of a sheet. `called` is in the order of `sheet.places`."""
    return _encode({"called": called, "order": sheet.order, "endings": msgspec.Raw(_array(sheet))})


def _array(sheet: Sheet) -> bytes:
    return b"".join((_ARRAY_32, len(sheet).to_bytes(4), *sheet.endings))


def ended_of(content: bytes) -> Sequence[Ended] | Sequence[Note]:
    """How each call of a block has ended."""
    return _decode_older(content) if _is_older(content) else _decode_ended(content).endings


def errors_of(content: bytes) -> Iterator[tuple[Called | Note, Ended | Note]]:
    """The calls of a block that ended with an error: what was called, and how it ended."""
    if _is_older(content):
        yield from ((note, note) for note in _decode_older(content) if is_error(note))
        return
    block, known = _decode_errors(content), dict[int, Called]()
    for place, ended in zip(block.order, block.endings, strict=True):
        if is_error(ended):
            called = known.get(place)
            if called is None:
                called = known[place] = _decode_called(block.called[place])
            yield called, ended


def callers_of(content: bytes) -> Iterator[tuple[Caller, Ended | Note]]:
    """Who made each call of a block, and how it ended."""
    if _is_older(content):
        yield from ((note.caller, note) for note in _decode_older(content))
        return
    block = _decode_callers(content)
    for place, ended in zip(block.order, block.endings, strict=True):
        yield block.called[place].caller, ended


def is_error(ending: "Ended | Note") -> bool:
    """A call that waits for a person has not failed if its caller was ready to wait, and got 202."""
    return ending.status >= 400 or (ending.error is not None and ending.error != _HELD)


def notes_of(content: bytes) -> list[Note]:
    """The calls of a block. One of a version before 30 November 2026 is an array of whole notes."""
    if _is_older(content):
        return _decode_older(content)
    block = _decode(content)
    called = block.called
    return [_note(called[place], ending) for place, ending in zip(block.order, block.endings, strict=True)]


def notes_with(content: bytes, status: Callable[[int], bool]) -> list[tuple[int, Note]]:
    """The calls of a block whose status is a wanted one, each with its index. That takes less than to read all."""
    if _is_older(content):
        return [(index, note) for index, note in enumerate(_decode_older(content)) if status(note.status)]
    block = _decode_part(content)
    wanted = set(filter(status, {ending[_STATUS] for ending in block.endings}))
    called = cache(lambda place: _decode_called(block.called[place]))
    return [
        (index, _note(called(place), ending))
        for index, (place, ending) in enumerate(zip(block.order, block.endings, strict=True))
        if ending[_STATUS] in wanted
    ]


def _is_older(content: bytes) -> bool:
    return content[0] & 0xF0 != _MAP


def _note(called: Called, ending: Ending) -> Note:
    decided = called.operation, called.verdict, called.rule
    request_id, space, trace = ending[0].partition(b" ")
    ended = request_id, *ending[1:]
    return Note(
        called.caller, called.method, called.native, *ended, *decided, trace.decode() if space else None
    )
