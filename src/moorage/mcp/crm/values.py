"""Values of records as agents get them: short, and with the ids that they need."""

from collections.abc import Mapping, Sequence
from typing import Any

from moorage.mcp.texts import cut

LONGEST_IN_LIST = 300  # Characters of a text in a list.
# The members of a value that only says which record, user, tag or layout is meant.
_NAMING = frozenset({"id", "name", "email", "module", "color_code", "display_label", "api_name"})


def plain(value: Any) -> Any:
    """A value without what says nothing. A related record is its name, with its id in parentheses."""
    if isinstance(value, dict):
        return _object(value)
    if isinstance(value, list):
        parts = [plain(part) for part in value]
        return [part for part in parts if part is not None] or None
    return value


def _object(value: Mapping[str, Any]) -> Any:
    if "id" in value and value.keys() <= _NAMING:
        return named(value)
    return plain_record(value) or None


def named(value: Mapping[str, Any]) -> str:
    """`Name (id)`; or `Name (Module id)`, if the value says in which module the record is."""
    module, name = value.get("module"), value.get("name")
    where = module.get("api_name") if isinstance(module, dict) else module
    reference = f"{where} {value['id']}" if where else str(value["id"])
    return reference if name is None else f"{name} ({reference})"


def plain_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """The values that there are. Members that begin with `$` tell of processes around the record."""
    values = {name: plain(value) for name, value in record.items() if not name.startswith("$")}
    return {name: value for name, value in values.items() if value is not None}


def rows_of(records: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> list[list[Any]]:
    """A row of values for each record, in the order of the columns."""
    return [[cut(plain(record.get(column)), LONGEST_IN_LIST) for column in columns] for record in records]
