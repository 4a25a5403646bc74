"""The one form in which a value of an entry is stored, shown and hashed.

Another program can make it, too: JSON with sorted members, without spaces, in UTF-8, and with no numbers but whole
ones.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.secret_names import HIDDEN, names_secret, without_keys

MOST_TEXT = 1000  # Characters of a text.
MOST_MEMBERS = 200  # Members of an object, elements of a list.
MOST_DEPTH = 8
MOST_BYTES = 16 * 1024  # Of a whole value.
_LARGEST = 2**53  # Programs that read all numbers as floats read whole ones exactly up to here.
# Of control characters only those that text has. Surrogates are no text.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_OPENS = {"url", "link"}  # Names of values that let somebody in.


def canonical(document: Any) -> str:
    """The canonical JSON of a document that `plain` has made."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def plain(value: Any) -> Any:
    """The value as an entry shows it: bounded, printable, and without secrets."""
    document = _plain(value, MOST_DEPTH)
    size = len(canonical(document).encode())
    return document if size <= MOST_BYTES else {"omitted_bytes": size}


def plain_text(text: str, most: int = MOST_TEXT) -> str:
    shown = text if len(text) <= most else f"{text[: most - 1]}…"
    return _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", without_keys(shown))


def _plain(value: Any, depth: int) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) <= _LARGEST:
        return value
    if isinstance(value, Mapping):
        return _members(value, depth) if depth else "…"
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
        return _elements(value, depth) if depth else "…"
    return plain_text(str(value))


def _members(value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for name, member in list(value.items())[:MOST_MEMBERS]:
        shown = plain_text(str(name), 100)
        # No room gives a secret to an entry. If one does by mistake, it is not kept for ever.
        is_secret = isinstance(member, str) and (names_secret(shown) or shown.lower() in _OPENS)
        members[shown] = HIDDEN if is_secret else _plain(member, depth - 1)
    if len(value) > MOST_MEMBERS:
        members["…"] = len(value) - MOST_MEMBERS
    return members


def _elements(value: Sequence[Any] | set[Any] | frozenset[Any], depth: int) -> list[Any]:
    elements = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    shown = [_plain(element, depth - 1) for element in elements[:MOST_MEMBERS]]
    return shown if len(elements) <= MOST_MEMBERS else [*shown, f"… and {len(elements) - MOST_MEMBERS} more"]
