"""Edits a file of JSON that people edit, too: comments, order and layout stay as they are.

JSON as editors take it may have comments, and a comma after the last member. No library of Python that is small
changes such a text without writing it anew.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

_UNREAD = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'"(?:\\.|[^"\\])*"|,(?=\s*[}\]])')
_SPACE = re.compile(r"[ \t\r\n]*")


class JsonBroken(ValueError):
    """The text is no JSON. `line` and `column` begin with 1."""

    def __init__(self, error: json.JSONDecodeError) -> None:
        super().__init__(f"line {error.lineno}, column {error.colno}: {error.msg}")


class Part(msgspec.Struct, frozen=True):
    """A member of an object, or an item of a list: where it begins, where its value begins, and where both end."""

    key: str | None
    start: int
    value: int
    end: int


def parse(text: str) -> Any:
    """The value of a text. An empty text is an empty object. Raises JsonBroken."""
    plain = _plain(text)
    try:
        return json.loads(plain) if plain.strip() else {}
    except json.JSONDecodeError as error:
        raise JsonBroken(error) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def put(text: str, path: Sequence[str], value: Any) -> str:
    """The text with the value at this path of keys, where objects on the way to it are made if they are missing.

    Raises JsonBroken, and ValueError if something else than an object is on the way.
    """
    if not _plain(text).strip():
        text = "{}\n"
    parse(text)
    at = _skip(_plain(text), 0)
    for depth, key in enumerate(path):
        part = _member(text, at, key)
        if part is None:
            for missing in reversed(path[depth + 1 :]):
                value = {missing: value}
            return _append(text, at, f"{json.dumps(key)}: {_rendered(text, value)}")
        at = part.value
    assert part is not None
    return (
        text[: part.value]
        + _indented(_rendered(text, value), _indent_at(text, part.start))
        + text[part.end :]
    )


def add(text: str, path: Sequence[str], item: Any) -> str:
    """The text with one item more in the list at this path. Raises JsonBroken, ValueError."""
    found = parse(text)
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    if found is None:
        return put(text, path, [item])
    if not isinstance(found, list):
        raise ValueError(f"{'.'.join(path)} has to be a list")  # noqa: TRY004 (it is no mistake of the caller's)
    at = _skip(_plain(text), 0)
    for key in path:
        part = _member(text, at, key)
        assert part is not None
        at = part.value
    return _append(text, at, _rendered(text, item))


def drop(text: str, path: Sequence[str | int]) -> str:
    """The text without the member or item at this path, which has to exist. Raises JsonBroken."""
    parse(text)
    at = _skip(_plain(text), 0)
    parts: list[Part] = []
    number = 0
    for key in path:
        parts = list(_parts(_plain(text), at))
        number = key if isinstance(key, int) else [part.key for part in parts].index(key)
        at = parts[number].value
    part, plain = parts[number], _commas(text)
    comma = _skip(plain, part.end)
    end = comma + 1 if plain[comma] == "," else part.end
    if end == part.end and number:  # The last one: the comma before it goes.
        before = plain.index(",", parts[number - 1].end)
        text, shift = text[:before] + text[before + 1 :], 1
        return _without(text, part.start - shift, end - shift)
    return _without(text, part.start, end)


def _without(text: str, start: int, end: int) -> str:
    """The text without this part, and without the line that it leaves empty."""
    before, behind = text[:start], text[end:]
    ends_line = re.match(r"[ \t]*\r?(\n|$)", behind)
    return before.rstrip() + behind if ends_line else before + behind.lstrip(" \t")


def _plain(text: str) -> str:
    """The text with a blank for each character that JSON itself does not know: comments, and commas at the end."""
    return _LAST_COMMA.sub(_keep_texts, _commas(text))


def _commas(text: str) -> str:
    """The text with blanks for comments."""
    blank = text.replace("\ufeff", " ", 1) if text.startswith("\ufeff") else text
    return _UNREAD.sub(_keep_texts, blank)


def _keep_texts(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else re.sub(r"[^\n]", " ", match[0])


def _member(text: str, at: int, key: str) -> Part | None:
    plain = _plain(text)
    if plain[at] != "{":
        line = text.count("\n", 0, at) + 1
        raise ValueError(f"line {line}: there has to be an object here, for {key!r}")
    return next((part for part in _parts(plain, at) if part.key == key), None)


def _parts(plain: str, at: int) -> Iterator[Part]:
    """The members or items of the object or list that begins here. The text is known to be JSON."""
    is_object, decoder = plain[at] == "{", json.JSONDecoder()
    at = _skip(plain, at + 1)
    while plain[at] not in "}]":
        start, key = at, None
        if is_object:
            key, at = decoder.raw_decode(plain, at)
            at = _skip(plain, plain.index(":", at) + 1)
        value = at
        _, at = decoder.raw_decode(plain, at)
        yield Part(key, start, value, at)
        at = _skip(plain, at)
        if plain[at] == ",":
            at = _skip(plain, at + 1)


def _append(text: str, at: int, rendered: str) -> str:
    """The text with a last member or item in the object or list that begins at `at`."""
    plain = _plain(text)
    parts = list(_parts(plain, at))
    _, end = json.JSONDecoder().raw_decode(plain, at)
    inside = text[: end - 1].rstrip(" \t\r\n")  # With the comments behind the last one.
    outer = _indent_at(text, at)
    inner = outer + _unit(text)
    if parts and "\n" in text[at : parts[0].start]:
        inner = _indent_at(text, parts[0].start)
    new = _indented(rendered, inner)
    if parts and _commas(text)[_skip(_commas(text), parts[-1].end)] != ",":
        last = parts[-1].end
        inside = inside[:last] + "," + inside[last:]
    elif parts:
        new += ","  # As the one before has a comma behind it.
    line = _newline(text)
    return f"{inside}{line}{inner}{new}{line}{outer}{text[end - 1 :]}"


def _skip(text: str, at: int) -> int:
    """The next place that is no white space."""
    match = _SPACE.match(text, at)
    assert match is not None
    return match.end()


def _rendered(text: str, value: Any) -> str:
    return json.dumps(value, indent=_unit(text), ensure_ascii=False).replace("\n", _newline(text))


def _indented(rendered: str, indent: str) -> str:
    return rendered.replace("\n", f"\n{indent}")


def _indent_at(text: str, at: int) -> str:
    """The white space with which the line of this place begins."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))].lstrip("\ufeff")


def _unit(text: str) -> str:
    """One step of indentation, as the text has it."""
    match = re.search(r"^[ \t]+(?=\S)", text, re.MULTILINE)
    return match[0] if match else "  "


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
