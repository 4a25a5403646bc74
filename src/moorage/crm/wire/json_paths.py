"""References of one request to the answer of another, such as `@{first:$.data[0].details.id}`.

The paths are JSONPath with names and numbers only, which name one value each. The libraries for all of JSONPath bring a
parser of their own along, and look at values in ways whose time has no end.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

_REFERENCE = re.compile(r"@\{([A-Za-z0-9][A-Za-z0-9_]*):([^{}]*)\}")
_STEP = re.compile(r"""\.([\w$-]+)|\[(-?\d{1,9})\]|\['([^']*)'\]|\["([^"]*)"\]""")


class Reference(NamedTuple):
    """`place` says where it stands in the request, `text` how it is written there."""

    request: str
    path: str
    place: str
    text: str


class NothingThere(LookupError):
    """A reference leads to no value."""

    def __init__(self, reference: Reference) -> None:
        super().__init__(reference.text)
        self.reference = reference


def references(value: Any, place: str) -> Iterator[Reference]:
    """All references within a value, whose place is a path such as `$.body`."""
    if isinstance(value, str):
        for found in _REFERENCE.finditer(value):
            yield Reference(found[1], found[2], place, found[0])
    for inner, inner_place in _inner(value, place):
        yield from references(inner, inner_place)


def resolved(value: Any, place: str, answer_of: Callable[[str], Any]) -> Any:
    """The value with each reference replaced by what it leads to. Raises NothingThere.

    A text that is one reference becomes the value itself; within a longer text it becomes text.
    """
    if isinstance(value, str):
        return _resolved_text(value, place, answer_of)
    if isinstance(value, dict):
        inner = dict(zip(value, _inner(value, place), strict=True))
        return {name: resolved(each, path, answer_of) for name, (each, path) in inner.items()}
    if isinstance(value, list):
        return [resolved(each, path, answer_of) for each, path in _inner(value, place)]
    return value


def _inner(value: Any, place: str) -> list[tuple[Any, str]]:
    if isinstance(value, dict):
        return [(each, f"{place}.{name}") for name, each in value.items()]
    if isinstance(value, list):
        return [(each, f"{place}[{index}]") for index, each in enumerate(value)]
    return []


def _resolved_text(text: str, place: str, answer_of: Callable[[str], Any]) -> Any:
    def found(match: re.Match[str]) -> Any:
        reference = Reference(match[1], match[2], place, match[0])
        return _at(answer_of(reference.request), reference)

    whole = _REFERENCE.fullmatch(text)
    if whole is not None:
        return found(whole)
    return _REFERENCE.sub(lambda match: as_text(found(match)), text)


def as_text(value: Any) -> str:
    """A value of JSON as a part of a text: texts without quotes."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _at(value: Any, reference: Reference) -> Any:
    path = reference.path.strip()
    if not path.startswith("$"):
        raise NothingThere(reference)
    end = 1
    while end < len(path):
        step = _STEP.match(path, end)
        if step is None:
            raise NothingThere(reference)
        end = step.end()
        key = (
            int(step[2]) if step[2] is not None else next(each for each in step.groups() if each is not None)
        )
        try:
            is_there = isinstance(value, list if isinstance(key, int) else dict)
            value = value[key] if is_there else None
        except LookupError:
            is_there = False
        if not is_there:
            raise NothingThere(reference)
    return value
