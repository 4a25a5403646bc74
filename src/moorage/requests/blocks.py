"""A block of the log: the calls of a sheet, as they are stored.

A block is MessagePack with three members: what was called, which of that each call did, and how each call ended. So a
word that a wanted call has to contain can be searched in its bytes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec

from moorage.requests.notes import Caller, Ending, Note, Operation, Sheet, note_of


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


_HELD: Final = "approval_required"
_ARRAY_32 = b"\xdd"  # An array, whose length follows in 32 bits [MessagePack].


class _EndedContent(msgspec.Struct, gc=False):
    """A block of which it is read how the calls have ended."""

    endings: list[Ending]


class _PartContent(msgspec.Struct, gc=False):
    """A block of which it is read what some of the calls were."""

    called: list[msgspec.Raw]
    order: list[int]
    endings: list[Ending]


class _CalledBy(msgspec.Struct, gc=False, array_like=True):
    """The first member of a `Called`."""

    caller: Caller


class _CallersContent(msgspec.Struct, gc=False):
    called: list[_CalledBy]
    order: list[int]
    endings: list[Ending]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Content).decode
_decode_called = msgspec.msgpack.Decoder(Called).decode
_decode_part = msgspec.msgpack.Decoder(_PartContent).decode
_decode_callers = msgspec.msgpack.Decoder(_CallersContent).decode
_decode_ended = msgspec.msgpack.Decoder(_EndedContent).decode
_decode_endings = msgspec.msgpack.Decoder(list[Ending]).decode


def endings_of(sheet: Sheet) -> list[Ending]:
    """How the calls of a sheet have ended, in the order of `sheet.order`."""
    return _decode_endings(_array(sheet))


def content_of(sheet: Sheet, called: Sequence[Called]) -> bytes:
    """The content of a block with the calls of a sheet. `called` is in the order of `sheet.places`."""
    return _encode({"called": called, "order": sheet.order, "endings": msgspec.Raw(_array(sheet))})


def _array(sheet: Sheet) -> bytes:
    return b"".join((_ARRAY_32, len(sheet).to_bytes(4), *sheet.endings))


def ended_of(content: bytes) -> Sequence[Ending]:
    """How each call of a block has ended."""
    return _decode_ended(content).endings


def errors_of(content: bytes) -> Iterator[tuple[Called, Ending]]:
    """The calls of a block that ended with an error: what was called, and how it ended."""
    block = _decode_part(content)
    called = _called_of(block)
    for place, ending in zip(block.order, block.endings, strict=True):
        if is_error(ending):
            yield called(place), ending


def callers_of(content: bytes) -> Iterator[tuple[Caller, Ending]]:
    """Who made each call of a block, and how it ended."""
    block = _decode_callers(content)
    for place, ending in zip(block.order, block.endings, strict=True):
        yield block.called[place].caller, ending


def is_error(ending: "Ending | Note") -> bool:
    """A call that waits for a person has not failed if its caller was ready to wait, and got 202."""
    return ending.status >= 400 or (ending.error is not None and ending.error != _HELD)


def notes_of(content: bytes) -> list[Note]:
    """The calls of a block."""
    block = _decode(content)
    called = block.called
    return [_note(called[place], ending) for place, ending in zip(block.order, block.endings, strict=True)]


def notes_with(content: bytes, status: Callable[[int], bool]) -> list[tuple[int, Note]]:
    """The calls of a block whose status is a wanted one, each with its index. That takes less than to read all."""
    block = _decode_part(content)
    wanted = set(filter(status, {ending.status for ending in block.endings}))
    if not wanted:
        return []
    called = _called_of(block)
    return [
        (index, _note(called(place), ending))
        for index, (place, ending) in enumerate(zip(block.order, block.endings, strict=True))
        if ending.status in wanted
    ]


def _called_of(block: _PartContent) -> Callable[[int], Called]:
    """What was called, by its number in the block."""
    return cache(lambda place: _decode_called(block.called[place]))


def _note(called: Called, ending: Ending) -> Note:
    what = called.caller, called.method, called.native
    return note_of(*what, ending, called.operation, called.verdict, called.rule)
