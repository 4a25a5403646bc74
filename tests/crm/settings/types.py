"""What Zoho's SDK of a version says each key of an answer is, and whether an answer agrees.

Every official SDK brings these types along in one file. Java's parses by them, strictly: what does not agree costs its
user the whole answer.
"""

import json
import re
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d")
_DATE = re.compile(r"\d{4}-\d\d-\d\d")


def _is_number(value, bits):
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2 ** (bits - 1)


_TESTS = {
    "String": lambda value: isinstance(value, str),
    "TimeZone": lambda value: isinstance(value, str),
    "Boolean": lambda value: isinstance(value, bool),
    "Integer": lambda value: _is_number(value, 32),
    # Ids are numbers to the SDKs and texts in JSON.
    "Long": lambda value: _is_number(int(value) if isinstance(value, str) and value.isdigit() else value, 64),
    "Double": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "DateTime": lambda value: isinstance(value, str) and bool(_TIME.fullmatch(value)),
    "Date": lambda value: isinstance(value, str) and bool(_DATE.fullmatch(value)),
    "Map": lambda value: isinstance(value, dict),
    "HashMap": lambda value: isinstance(value, dict),
    "List": lambda value: isinstance(value, list),
    "Choice": lambda value: isinstance(value, str | int | float | bool),
    "Object": lambda _: True,
}


@cache
def described(version):
    """The types of one of the SDKs, by the short names of its classes, such as `layouts.Sections`."""
    found = (
        files("zohocrmsdk")
        if version == "v8"
        else Path(sys.prefix) / "clients" / f"zohocrmsdk{version[1:]}-0"
    )
    source = found if version == "v8" else found / "zohocrmsdk"
    classes = json.loads((source / "src" / "json_details.json").read_text())
    return {_short(name): about for name, about in classes.items()}


def _short(name):
    return name.partition(".crm.api.")[2] or name


def disagreements(version, name, value, path="$"):
    """Where a value is not what a class says: `path: type, value`."""
    keys = {
        key["name"]: key
        for key in described(version)[name].values()
        if isinstance(key, dict) and "name" in key
    }
    for key, inner in value.items():
        if key in keys and inner is not None:
            yield from _of_key(version, keys[key], inner, f"{path}.{key}")


def _of_key(version, key, value, path):
    kind = _short(key["type"])
    if kind in described(version):
        if isinstance(value, dict):
            yield from disagreements(version, kind, value, path)
        else:
            yield f"{path}: {kind}, {value!r}"
        return
    kind = kind.rpartition(".")[2]
    if not _TESTS[kind](value):
        yield f"{path}: {kind}, {value!r}"
    elif kind == "List":
        inner = {"type": key.get("structure_name") or (key.get("sub_type") or {}).get("type", "Object")}
        for one in value:
            if one is not None:
                yield from _of_key(version, inner, one, f"{path}[]")
