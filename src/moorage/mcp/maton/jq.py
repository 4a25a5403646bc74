"""The part of jq's language that trims results: paths, pipes, lists, one object, `select`, `map`, `length`, `keys`.

A program is short, goes through the data once, and makes no more than one object of each part. So it always ends soon.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from moorage.mcp.errors import ToolFailed

# From a value to the values that follow from it.
Step: TypeAlias = Callable[[Any], Iterable[Any]]

_MOST_KEYS = 20  # Of the object that is made.
_DEEPEST = 10  # Parentheses within parentheses.
_TOKEN = re.compile(r'\s*("[^"\\]*"|-?\d+(?:\.\d+)?|[A-Za-z_]\w*|==|!=|<=|>=|[.|\[\]{}(),:<>])')
_NAME = re.compile(r"[A-Za-z_]\w*")
_NUMBER = re.compile(r"-?\d{1,15}(\.\d{1,15})?")
_COMPARED: Mapping[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_WORDS: Mapping[str, Any] = {"null": None, "true": True, "false": False}


class Unfit(ValueError):
    """A program does not fit the document. The text says why."""


class Program:
    """A program that can be read. Raises ToolFailed for another."""

    def __init__(self, text: str) -> None:
        reader = _Reader(text)
        self._step = reader.whole()
        self._gives_many = reader.gives_many

    def applied(self, document: Any) -> Any:
        """What it makes of the document; a list if it goes through a list. Raises Unfit."""
        values = list(self._step(document))
        return values if self._gives_many else next(iter(values), None)


class _Reader:
    """Reads a program. `gives_many` if what it gives may be several values."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._tokens = self._split(program)
        self._at = 0
        self._depth = 0
        self._made = 0
        self.gives_many = False

    def whole(self) -> Step:
        step = self._pipe()
        if self._next is not None:
            raise self._refused(f"{self._next!r} is not expected there")
        return step

    def _pipe(self) -> Step:
        steps = [self._compared()]
        while self._take("|"):
            steps.append(self._compared())
        return _chain(steps)

    def _compared(self) -> Step:
        left = self._part()
        if self._next not in _COMPARED:
            return left
        compare = _COMPARED[self._taken()]
        right = self._part()

        def compared(value: Any) -> Iterable[Any]:
            return [_is(compare, _one(left, value), _one(right, value))]

        return compared

    def _part(self) -> Step:
        return self._path() if self._next == "." else _chain([self._head(), self._path()])

    def _head(self) -> Step:
        token = self._taken()
        match token:
            case "[":
                return self._list()
            case "{":
                return self._object()
            case "(":
                return self._inside(self._pipe, ")")
            case "select" | "map":
                return self._with(token)
            case "length":
                return lambda value: [_length(value)]
            case "keys":
                return lambda value: [_keys(value)]
        constant = _WORDS[token] if token in _WORDS else self._constant(token)
        return lambda _value: [constant]

    def _path(self) -> Step:
        """What stands behind a value: .name, [], [0] and ["name"]. Nothing leaves the value as it is."""
        steps: list[Step] = []
        while self._next in {".", "["}:
            if self._take("."):
                if self._next is not None and _NAME.fullmatch(self._next):
                    steps.append(_key(self._taken()))
            elif self._take("["):
                steps.append(self._index())
        return _chain(steps)

    def _index(self) -> Step:
        if self._take("]"):
            self.gives_many = True
            return _each
        step = _key(self._constant(self._taken()))
        self._must("]")
        return step

    def _list(self) -> Step:
        many = self.gives_many
        inner = self._inside(self._pipe, "]")
        self.gives_many = many
        return lambda value: [list(inner(value))]

    def _with(self, name: str) -> Step:
        self._must("(")
        many = self.gives_many
        inner = self._inside(self._pipe, ")")
        self.gives_many = many
        if name == "map":
            return lambda value: [[made for part in _each(value) for made in inner(part)]]
        return lambda value: [value] if _one(inner, value) not in (None, False) else []

    def _object(self) -> Step:
        """`{name, other: .path}`"""
        self._made += 1
        if self._made > 1:
            raise self._refused("it may make one object only")
        many, entries = self.gives_many, dict[str, Step]()
        while not self._take("}"):
            name = self._taken()
            name = name if _NAME.fullmatch(name) else str(self._constant(name))
            entries[name] = self._compared() if self._take(":") else _key(name)
            if self._next != "}":
                self._must(",")
        if len(entries) > _MOST_KEYS:
            raise self._refused(f"an object may have {_MOST_KEYS} keys")
        self.gives_many = many
        return lambda value: [{name: _one(step, value) for name, step in entries.items()}]

    def _constant(self, token: str) -> str | int | float:
        if token.startswith('"'):
            return token[1:-1]
        if _NUMBER.fullmatch(token):
            return float(token) if "." in token else int(token)
        raise self._refused(f"{token!r} is not expected there")

    def _inside(self, read: Callable[[], Step], end: str) -> Step:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._refused("it is too deep")
        step = read()
        self._must(end)
        self._depth -= 1
        return step

    def _split(self, program: str) -> list[str]:
        tokens, at = [], 0
        program = program.rstrip()
        while at < len(program):
            token = _TOKEN.match(program, at)
            if token is None:
                raise self._refused(f"{program[at:][:20]!r} can't be read")
            tokens.append(token[1])
            at = token.end()
        return tokens

    @property
    def _next(self) -> str | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _take(self, token: str) -> bool:
        if self._next != token:
            return False
        self._at += 1
        return True

    def _taken(self) -> str:
        token = self._next
        if token is None:
            raise self._refused("it ends too early")
        self._at += 1
        return token

    def _must(self, token: str) -> None:
        if not self._take(token):
            raise self._refused(f"{token!r} is missing")

    def _refused(self, reason: str) -> ToolFailed:
        return ToolFailed(
            f"jq can't be {self._program[:80]!r}: {reason}.",
            step="Use paths, | [] {} select() map() length and keys, such as .data[] | {id, Last_Name}.",
            code="arguments_invalid",
        )


def _chain(steps: list[Step]) -> Step:
    def chained(value: Any) -> Iterable[Any]:
        values: Iterable[Any] = [value]
        for step in steps:
            values = [made for each in values for made in step(each)]
        return values

    return chained


def _one(step: Step, value: Any) -> Any:
    return next(iter(step(value)), None)


def _key(key: str | float) -> Step:
    """Null has no keys, and gives null for each."""

    def found(value: Any) -> Iterable[Any]:
        match value, key:
            case None, _:
                return [None]
            case dict(), str():
                return [value.get(key)]
            case list(), int():
                return [value[key] if -len(value) <= key < len(value) else None]
        raise _unfit(value, f"no {key!r}")

    return found


def _each(value: Any) -> Iterable[Any]:
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, list):
        return value
    raise _unfit(value, "no parts")


def _length(value: Any) -> int:
    if isinstance(value, str | list | dict):
        return len(value)
    if value is None:
        return 0
    raise _unfit(value, "no length")


def _keys(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return sorted(value)
    raise _unfit(value, "no keys")


def _is(compare: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
    try:
        return compare(left, right)
    except TypeError:
        return False  # A text is neither less nor more than a number.


def _unfit(value: Any, lack: str) -> Unfit:
    kind = "object" if isinstance(value, dict) else "list" if isinstance(value, list) else "value"
    return Unfit(f"jq does not fit the result: this {kind} has {lack}.")
