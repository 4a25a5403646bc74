"""The fields of `moorage api`: `key=value` arguments that become one JSON object, or query parameters.

A key may contain a path: `owner[id]=7` is {"owner": {"id": "7"}}, `tag[]=a tag[]=b` is {"tag": ["a", "b"]}, and
`data[][Last_Name]=Hopper` is {"data": [{"Last_Name": "Hopper"}]}. In a list of objects, a key that the last object has
already begins the next object.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from moorage.cli import reading
from moorage.cli.failures import UsageError

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_WORDS = {"true": True, "false": False, "null": None}


def split_field(text: str) -> tuple[str, str]:
    """(key, value). Raises UsageError for a text without `=`, or without a key before it."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise UsageError(f"The field {text!r} is not key=value", help="Write it like Last_Name=Hopper.")
    return key, value


def typed(value: str) -> Any:
    """The value of a field of -F: true, false, null, a number, the text of @file or of @- (standard input), or text."""
    if value in _WORDS:
        return _WORDS[value]
    if _NUMBER.fullmatch(value):
        return json.loads(value)
    if value.startswith("@"):
        return reading.text(value[1:], otherwise="Send its bytes with --input.")
    return value


def document(fields: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """One JSON object of all fields. Raises UsageError for keys that contradict each other."""
    root: dict[str, Any] = {}
    for key, value in fields:
        _place(root, _steps(key), value, key)
    return root


def _steps(key: str) -> list[str]:
    """The path in a key: `data[][Last_Name]` is ["data", "", "Last_Name"]. The empty step is the end of a list."""
    match = _KEY.fullmatch(key)
    if match is None:
        raise UsageError(f"The brackets in the key {key!r} do not match", help="Write it like data[][Name].")
    return [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]


def _place(root: dict[str, Any], steps: list[str], value: Any, key: str) -> None:
    node: Any = root
    for index, step in enumerate(steps[:-1]):
        deeper: Any = [] if steps[index + 1] == "" else {}
        node = _enter(node, step, deeper, steps[index + 1 :], key)
    if isinstance(node, list) and steps[-1] == "":
        node.append(value)
    elif isinstance(node, dict) and steps[-1] != "" and steps[-1] not in node:
        node[steps[-1]] = value
    else:
        raise _contradiction(key)


def _enter(node: Any, step: str, new: Any, rest: list[str], key: str) -> Any:
    """The list or object at a step below `node`; `new` if there is none yet. Raises UsageError."""
    if isinstance(node, dict) and step:
        child = node.setdefault(step, new)
    elif isinstance(node, list) and not step:
        if not node or _begins_another(node[-1], rest):
            node.append(new)
        child = node[-1]
    else:
        raise _contradiction(key)
    if type(child) is not type(new):
        raise _contradiction(key)
    return child


def _begins_another(last: Any, rest: list[str]) -> bool:
    return not isinstance(last, dict) or (len(rest) == 1 and rest[0] in last)


def _contradiction(key: str) -> UsageError:
    return UsageError(f"The field {key} contradicts an earlier field", help="Give each key one value.")
