"""Tables of the operations of an app: from a method and the segments of a path to what the call does."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec
from msgspec.structs import replace

from moorage.policies.model import KINDS, Kind

TABLES = Path(__file__).parent / "tables"
_VERSION = re.compile(r"v\d{1,3}(\.\d{1,3})?")
_MODULE = re.compile(r"[A-Z]\w*")
_LATEST = "v8"
_CENTRE = re.compile(r"[a-z]{2}")


class Row(msgspec.Struct, frozen=True):
    """An operation of a table. `body` says what its body tells about it.

    `most` is how many records a job may change that finds them itself. If it is `by_ids`, a call may name them instead.
    If the app may read `forms`, a form that is sent with POST can ask for another method.
    """

    name: str
    kind: Kind
    body: str | None = None
    modules: tuple[str, ...] = ()
    most: int | None = None
    by_ids: bool = False
    forms: bool = False


class Found(msgspec.Struct, frozen=True):
    """A row and the texts that stand in the places of its placeholders, by their names."""

    row: Row
    values: Mapping[str, str]


class _Node(msgspec.Struct):
    literals: dict[str, "_Node"] = msgspec.field(default_factory=dict)
    wildcards: list[tuple[re.Pattern[str], "_Node"]] = msgspec.field(default_factory=list)
    placeholder: "tuple[str, _Node] | None" = None
    rows: dict[str, Row] = msgspec.field(default_factory=dict)
    names: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict)


class Table:
    """A tree of path segments. A literal segment comes before one with `*`, and both before a placeholder.

    A folded table reads paths as a server does for which upper and lower case are the same.
    """

    def __init__(self, rows: Iterable[tuple[str, str, Row]], *, folded: bool = False) -> None:
        self._folded = folded
        self._root = _Node()
        for method, pattern, row in rows:
            self._add(method, pattern, row)

    def _add(self, method: str, pattern: str, row: Row) -> None:
        node, names = self._root, list[str]()
        for segment in pattern.removeprefix("/").split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                node.placeholder = node.placeholder or (segment[1:-1], _Node())
                node = node.placeholder[1]
            elif "*" in segment:
                node = self._wildcard(node, segment)
            else:
                node = node.literals.setdefault(self._fold(segment), _Node())
        node.rows[method] = row
        node.names[method] = tuple(names)

    def _wildcard(self, node: _Node, segment: str) -> _Node:
        pattern = re.compile(".*".join(map(re.escape, self._fold(segment).split("*"))), re.DOTALL)
        inner = _Node()
        node.wildcards.append((pattern, inner))
        return inner

    def _fold(self, segment: str) -> str:
        return segment.casefold() if self._folded else segment

    def find(self, method: str, segments: Sequence[str]) -> Found | None:
        """The row of a call, or None. A call with HEAD or OPTIONS does what GET does."""
        captured: list[str] = []
        node = self._walk(self._root, segments, 0, captured)
        if node is None:
            return None
        for name in (method, "GET" if method in {"HEAD", "OPTIONS"} else method, "*"):
            if name in node.rows:
                return Found(node.rows[name], dict(zip(node.names[name], captured, strict=True)))
        return None

    def _walk(self, node: _Node, segments: Sequence[str], index: int, captured: list[str]) -> _Node | None:
        if index == len(segments):
            return node if node.rows else None
        segment = segments[index]
        inner = node.literals.get(self._fold(segment))
        if inner is not None and (reached := self._walk(inner, segments, index + 1, captured)):
            return reached
        for pattern, inner in node.wildcards:
            if pattern.fullmatch(self._fold(segment)) and (
                reached := self._walk(inner, segments, index + 1, captured)
            ):
                return reached
        if node.placeholder is None or not self._fits(node.placeholder[0], segment):
            return None
        captured.append(segment)
        reached = self._walk(node.placeholder[1], segments, index + 1, captured)
        if reached is None:
            captured.pop()
        return reached

    def _fits(self, name: str, segment: str) -> bool:
        """True if a text may stand in the place of a placeholder.

        The name of a module begins with a capital letter. `actions` and words with two underscores in front are words
        of an API, and no names that its users give.
        """
        if name == "module":
            return _MODULE.fullmatch(segment) is not None or self._folded
        return segment != "" and segment.casefold() not in {"actions", "action"} and segment[:2] != "__"


@cache
def shipped(app: str) -> tuple[tuple[str, str, Row], ...] | None:
    """The rows of the table that comes with Moorage for an app; None if there is none."""
    file = TABLES / f"{app}.toml"
    return tuple(_rows(tomllib.loads(file.read_text(encoding="utf-8")))) if file.is_file() else None


@cache
def shipped_table(app: str, *, folded: bool = False) -> Table:
    """The table of these rows, which is empty if there are none."""
    return Table(shipped(app) or (), folded=folded)


def _rows(document: Mapping[str, Mapping[str, str]]) -> Iterator[tuple[str, str, Row]]:
    for kind in KINDS:
        for path, methods in document[kind].items():
            for method in methods.split():
                name, of_modules = f"{method} {path}", document["modules"]
                row = Row(name, kind, modules=tuple(of_modules.get(path, of_modules.get(name, ()))))
                if method == "POST":
                    row = replace(row, body=document["bodies"].get(path))
                if kind != "read":
                    row = _with_most(row, path, document)
                yield method, path, row


def _with_most(row: Row, path: str, document: Mapping[str, Mapping[str, str]]) -> Row:
    by_ids = document["most_records_without_ids"].get(path)
    most = by_ids or document["most_records"].get(path)
    return row if most is None else replace(row, most=int(most), by_ids=by_ids is not None)


def in_latest_version(segments: list[str]) -> list[str]:
    """The segments of a path of Zoho's, with the latest version in place of another, and without a centre's base."""
    if len(segments) > 2 and segments[0].casefold() == "dc" and _CENTRE.fullmatch(segments[1].casefold()):
        segments = segments[2:]
    for index in (1, 2):
        if index < len(segments) and _VERSION.fullmatch(segments[index].casefold()):
            return [*segments[:index], _LATEST, *segments[index + 1 :]]
    return segments
