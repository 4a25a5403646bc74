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
# Of v3 and v4 there are none; of the others script/bootstrap makes a folder each.
_NUMBERS = {"v2": "2-0", "v2.1": "2-1", "v5": "5-0", "v6": "6-0", "v7": "7-0"}
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
    if version == "v8":
        package = files("zohocrmsdk")
    else:
        folder = Path(sys.prefix) / "clients" / f"zohocrmsdk{_NUMBERS[version]}"
        (package,) = (folder / name for name in ("zohocrmsdk", "zcrmsdk") if (folder / name).is_dir())
    classes = json.loads((package / "src" / "json_details.json").read_text())
    return {_short(name): about for name, about in classes.items()}


def _short(name):
    return name.partition(".crm.api.")[2] or name


def known(version, name):
    """The SDK's name of a class for answers, or None if it has no such class."""
    other = name.replace("Response", "Body")
    return next((class_name for class_name in (name, other) if class_name in described(version)), None)


def disagreements(version, name, value, path="$"):
    """Where a value is not what a class says: `path: type, value`."""
    keys = _keys(version, name)
    for key, inner in value.items():
        if inner is not None and key in keys:
            yield from _of_kind(version, *keys[key], inner, f"{path}.{key}")


@cache
def _keys(version, name):
    """The keys of a class: by name the kind of each, and that of the elements of a list."""
    keys = {}
    for key in described(version)[name].values():
        if isinstance(key, dict) and "name" in key:
            inner = key.get("structure_name") or (key.get("sub_type") or {}).get("type", "Object")
            keys[key["name"]] = _kind(version, key["type"]), _kind(version, inner)
    return keys


@cache
def _kind(version, name):
    """The short name of a class, or of another value."""
    short = _short(name)
    return short if short in described(version) else short.rpartition(".")[2]


def _of_kind(version, kind, inner, value, path):
    test = _TESTS.get(kind)
    if test is None and isinstance(value, dict):
        yield from disagreements(version, kind, value, path)
    elif test is None or not test(value):
        yield f"{path}: {kind}, {value!r}"
    elif kind == "List":
        for item in value:
            if item is not None:
                yield from _of_kind(version, inner, "Object", item, f"{path}[]")
