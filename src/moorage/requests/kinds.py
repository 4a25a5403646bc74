"""Errors by kind: what some errors have in common, and how many of them there were."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from moorage.requests.blocks import Called, errors_of
from moorage.requests.notes import Ending, Note
from moorage.requests.store import Block

MOST_REMEMBERED = 40_000  # Groups of blocks: some 10 MB.
_SECOND = 1_000_000


class Kind(msgspec.Struct, frozen=True, gc=False, cache_hash=True):
    """What the errors of a group have in common."""

    error: str | None
    status: int
    source: str
    app: str
    endpoint: str
    key_id: str


class Group(msgspec.Struct, gc=False):
    """Errors of one kind. `newest` is the request id of the last of them; times are microseconds since the epoch."""

    count: int
    first: int
    last: int
    newest: bytes


Groups: TypeAlias = dict[Kind, Group]


def kind_of(called: Called | Note, ended: Ending | Note) -> Kind:
    caller = called.caller
    return Kind(ended.error, ended.status, ended.source, caller.app, _endpoint(called), caller.key_id)


def groups_of(block: Block, since: int, until: int) -> Groups:
    """The errors of a block that began between two times."""
    groups: Groups = {}
    for called, ended in errors_of(block.content):
        at = block.epoch + int(ended.began * _SECOND)
        if since <= at < until:
            one = Group(1, at, at, ended.request_id.partition(b" ")[0])
            merge(groups, [(kind_of(called, ended), one)])
    return groups


def merge(groups: Groups, those: Iterable[tuple[Kind, Group]], most: int | None = None) -> int:
    """Add errors by kind to groups, of which there may be `most`. Gives the number of errors for which was no room.

    Those that are added stay as they are.
    """
    left = 0
    for kind, more in those:  # There are thousands of them, so nothing is called for each.
        known = groups.get(kind)
        if known is None:
            if most is not None and len(groups) >= most:
                left += more.count
            else:
                groups[kind] = Group(more.count, more.first, more.last, more.newest)
            continue
        known.count += more.count
        known.first = min(known.first, more.first)
        if more.last > known.last:
            known.last, known.newest = more.last, more.newest
    return left


class Remembered:
    """The groups of whole blocks, by the blocks' first numbers. Those of the newest blocks stay longest."""

    def __init__(self, most: int = MOST_REMEMBERED) -> None:
        self._most = most
        self._size = 0
        self._blocks: dict[int, Sequence[tuple[Kind, Group]]] = {}
        self._kinds: dict[Kind, Kind] = {}  # Blocks have the same kinds.

    def get(self, first: int) -> Sequence[tuple[Kind, Group]] | None:
        return self._blocks.get(first)

    def keep(self, new: Mapping[int, Groups]) -> None:
        for first, groups in new.items():
            if first not in self._blocks:
                self._blocks[first] = [
                    (self._kinds.setdefault(kind, kind), group) for kind, group in groups.items()
                ]
                self._size += len(groups)
        if self._size > self._most:
            self._forget()

    def _forget(self) -> None:
        """Drop the oldest blocks, until a half is left."""
        for first in sorted(self._blocks):
            if self._size <= self._most // 2:
                break
            self._size -= len(self._blocks.pop(first))
        self._kinds = {kind: kind for groups in self._blocks.values() for kind, _ in groups}


def _endpoint(called: Called | Note) -> str:
    """What was called: the operation, or the method and the path, in which an asterisk stands for each number."""
    method = called.method.decode("latin-1")
    # The method is all that is known of some apps.
    if called.operation is not None and called.operation.name != method:
        return called.operation.name
    path = called.native.partition(b"?")[0].decode("latin-1")
    segments = ("*" if segment.isdigit() else segment for segment in path.split("/"))
    return f"{method} {'/'.join(segments)}"
