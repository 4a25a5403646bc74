"""Edits a file of TOML that people edit, too: comments, order and layout stay as they are."""

from collections.abc import MutableMapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError


def parse(text: str) -> Any:
    """The value of a text. Raises ValueError."""
    return _document(text).unwrap()


def put(text: str, path: Sequence[str], value: Any) -> str:
    """The text with the value at this path of keys, where tables on the way to it are made if they are missing.

    Raises ValueError, also if something else than a table is on the way.
    """
    table: Any = (document := _document(text))
    for key in path[:-1]:
        if key not in table:
            table[key] = tomlkit.table(is_super_table=True)
        table = table[key]
        if not isinstance(table, MutableMapping):
            raise ValueError(f"{key} has to be a table")  # noqa: TRY004 (it is no mistake of the caller's)
    table[path[-1]] = tomlkit.item(value)
    return tomlkit.dumps(document)


def drop(text: str, path: Sequence[str]) -> str:
    """The text without the value at this path, which has to exist. Raises ValueError."""
    table: Any = (document := _document(text))
    for key in path[:-1]:
        table = table[key]
    del table[path[-1]]
    return tomlkit.dumps(document)


def _document(text: str) -> tomlkit.TOMLDocument:
    try:
        return tomlkit.parse(text)
    except ParseError as error:
        raise ValueError(f"line {error.line}, column {error.col + 1}: {_reason(error)}") from None
    except TOMLKitError as error:
        raise ValueError(str(error)) from None


def _reason(error: ParseError) -> str:
    return str(error).rpartition(" at line ")[0] or str(error)
