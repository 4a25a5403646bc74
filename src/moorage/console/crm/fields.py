"""Fields on pages: how their values are shown, what is typed into a form, and what the API gets for it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from moorage.console.tables import cell_text

TEXTS = frozenset({"text", "email", "phone", "website", "autonumber"})
NUMBERS = frozenset({"integer", "bigint", "double", "decimal", "currency", "percent"})
TIMES = frozenset({"date", "datetime"})
USERS = frozenset({"ownerlookup", "userlookup"})
# What a list of records and a query can show: of the other types only a whole record has the value.
_COLUMNS = (
    TEXTS
    | NUMBERS
    | TIMES
    | USERS
    | frozenset({"picklist", "multiselectpicklist", "boolean", "lookup", "formula", "rollup_summary"})
)
_TYPED = _COLUMNS - {"autonumber", "formula", "rollup_summary"} | {"textarea"}
_WHOLE = re.compile(r"-?\d{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,12})?", re.ASCII)
NO_VALUE = "-None-"  # What picklists say for no value.


class Field(msgspec.Struct, frozen=True):
    """A field of a module, from what the API says of it."""

    name: str
    label: str
    type: str
    length: int | None
    options: tuple[tuple[str, str], ...]  # The values of a picklist, each with its label.
    target: str | None  # The module that a lookup leads to.
    in_updates: bool
    in_new: bool
    is_column: bool

    @property
    def is_text(self) -> bool:
        return self.type in TEXTS or self.type == "textarea"

    def document(self) -> dict[str, Any]:
        """What the twin of a page says of it."""
        return {
            "api_name": self.name,
            "label": self.label,
            "data_type": self.type,
            "editable": self.in_updates,
            "column": self.is_column,
            "target": self.target,
        }


def field_of(document: Mapping[str, Any]) -> Field:
    kind, name = str(document.get("data_type")), str(document.get("api_name"))
    allowed = document.get("operation_type") or {}
    can_type = kind in _TYPED and name != "id" and document.get("json_type") != "jsonarray"
    if kind == "multiselectpicklist":
        can_type = True
    target = _target(document) if kind == "lookup" else None
    if kind == "lookup" and target is None:
        can_type = False  # It leads into several modules: see `$se_module`.
    writable = can_type and not document.get("read_only")
    return Field(
        name,
        str(document.get("field_label") or document.get("display_label") or name),
        kind,
        document.get("length"),
        tuple(_options(document.get("pick_list_values") or ())),
        target,
        writable and bool(allowed.get("api_update", True)),
        writable and bool(allowed.get("api_create", True)),
        kind in _COLUMNS and document.get("visible", True) is not False,
    )


def _target(document: Mapping[str, Any]) -> str | None:
    if (document.get("multi_module_lookup") or {}).get("modules"):
        return None
    module = (document.get("lookup") or {}).get("module")
    name = module.get("api_name") if isinstance(module, dict) else module
    return str(name) if name else None


def _options(values: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    return [
        (str(value["actual_value"]), str(value.get("display_value", value["actual_value"])))
        for value in values
        if value.get("type") != "unused" and value.get("actual_value") not in {None, NO_VALUE}
    ]


def typed(value: Any) -> str:
    """A value as a form has it to be changed."""
    if isinstance(value, dict):
        return str(value.get("id") or "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(cell_text(entry) for entry in value)
    return "" if value is None else str(value)


def meant(field: Field, texts: Sequence[str]) -> Any:
    """The JSON value for what a form has for a field. What can't be one is sent as it is, for the API to refuse."""
    text = texts[-1] if texts else ""
    if field.type == "multiselectpicklist":
        return [part for text in texts for part in text.split(";") if part] or None
    if field.type == "boolean":
        return text.lower() in {"true", "yes", "on", "1"}
    if field.type != "textarea":
        text = text.strip()
    if not text:
        return None
    if field.type in {"lookup", *USERS}:
        return {"id": text}
    if field.type == "integer" and _WHOLE.fullmatch(text):
        return int(text)
    if field.type in {"double", "decimal", "currency", "percent"} and _NUMBER.fullmatch(text):
        return float(text) if "." in text else int(text) if _WHOLE.fullmatch(text) else text
    return text.replace("\r\n", "\n")
