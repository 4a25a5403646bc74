"""Records that an agent wants to write, held against the fields of their module: put right, or told what is wrong."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from moorage.mcp.crm.advice import RowError, needs
from moorage.mcp.crm.metadata import Field, no_fields
from moorage.near import did_you_mean

# Members of a record that a module's fields need not list.
_NO_FIELDS = frozenset(
    {
        "id",
        "Layout",
        "Tag",
        "Participants",
        "Pricing_Details",
        "Product_Details",
        "Recurring_Activity",
        "se_module",
    }
)
_NUMBERS = frozenset({"integer", "bigint", "double", "currency", "percent", "number"})
_WHOLE = frozenset({"integer", "bigint"})
_TEXTS = frozenset({"text", "textarea", "email", "phone", "website", "picklist"})
_LOOKUPS = frozenset({"lookup", "ownerlookup", "userlookup", "multi_module_lookup"})
_COMPARED = 50  # Options that are looked through for the one that was meant.
_DECIMAL = re.compile(r"-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,9})?")
_REFERENCE = re.compile(r"(?:.*\((?:[A-Za-z][A-Za-z0-9_]* )?)?([0-9]{6,30})\)?", re.DOTALL)


def put_right(record: Mapping[str, Any], fields: Mapping[str, Field]) -> dict[str, Any]:
    """The record with values of the right types, where it can't be doubted what is meant."""
    return {
        name: value if name not in fields else _right(value, fields[name].value_type)
        for name, value in record.items()
    }


def _right(value: Any, data_type: str) -> Any:
    if isinstance(value, str):
        return _from_text(value, data_type)
    if isinstance(value, int) and not isinstance(value, bool):
        if data_type in _TEXTS:
            return str(value)
        if data_type in _LOOKUPS:
            return {"id": str(value)}
    return value


def _from_text(text: str, data_type: str) -> Any:
    if data_type in _NUMBERS and _DECIMAL.fullmatch(text):
        return float(text) if "." in text else int(text)
    if data_type == "boolean" and text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if data_type in _LOOKUPS and (reference := _REFERENCE.fullmatch(text)):
        return {"id": reference[1]}
    if data_type == "multiselectpicklist" and text:
        return [part.strip() for part in text.split(";") if part.strip()]
    return text


def unknown_names(
    module: str,
    records: Sequence[Mapping[str, Any]],
    match_on: Collection[str],
    fields: Mapping[str, Field],
) -> dict[int, RowError]:
    """By the place of a record, the first of its names that no field has. Zoho ignores such a value without a word."""
    if not fields:
        return {}
    unknown: dict[int, str] = {}
    for index, record in enumerate(records):
        others = (name for name in [*record, *match_on] if name not in fields and not _is_no_field(name))
        first = next(others, None)
        if first is not None:
            unknown[index] = first
    fixes = no_fields(module, unknown.values(), fields)
    return {
        index: RowError(code="FIELD_UNKNOWN", field=name[:80], fix=fixes[name])
        for index, name in unknown.items()
    }


def _is_no_field(name: str) -> bool:
    """Whether a member of a record is none of its module's fields, and right all the same."""
    return name in _NO_FIELDS or name.startswith("$")


def faults_in(record: Mapping[str, Any], fields: Mapping[str, Field], mode: str) -> RowError | None:
    """The first thing that is wrong with a record; None if nothing is, as far as the fields tell."""
    if mode == "update" and not isinstance(record.get("id"), str | int):
        return RowError(code="MANDATORY_NOT_FOUND", field="id", fix="Give the id of the record.")
    for name, field in fields.items():
        if name == "id":
            continue
        fault = _fault(field, record.get(name), mode, is_given=name in record)
        if fault is not None:
            return RowError(code=fault[0], field=name, fix=fault[1])
    return None


def _fault(field: Field, value: Any, mode: str, *, is_given: bool) -> tuple[str, str] | None:
    """The code and the fix of what is wrong with a value."""
    if value in (None, ""):
        is_needed = field.system_mandatory and not field.is_read_only and (is_given or mode == "create")
        return ("MANDATORY_NOT_FOUND", "Give it a value.") if is_needed else None
    allowed = {"create": field.operation_type.api_create, "update": field.operation_type.api_update}
    if field.read_only or not allowed.get(mode, True):
        return "FIELD_READ_ONLY", "The app sets it itself; leave it out."
    wrong = _wrong_type(field.value_type, value)
    if wrong is not None:
        return "INVALID_DATA", wrong
    if field.value_type in _TEXTS and field.length is not None and len(value) > field.length:
        return "INVALID_DATA", f"It has {len(value):,} characters, and {field.length:,} are possible."
    options = field.values
    chosen = value if isinstance(value, list) else [value]
    if field.data_type in {"picklist", "multiselectpicklist"} and options:
        other = next((text for text in chosen if text not in {*options, "-None-"}), None)
        if other is not None:
            return "INVALID_DATA", f"It is none of its options.{did_you_mean(other, options[:_COMPARED])}"
    return None


def _wrong_type(data_type: str, value: Any) -> str | None:
    """What a value has to be, if it is something else."""
    expected = "double" if data_type in _NUMBERS - _WHOLE else data_type
    if data_type in _NUMBERS:
        right = isinstance(value, int | float) and not isinstance(value, bool)
        right = right and (data_type not in _WHOLE or isinstance(value, int) or value.is_integer())
    elif data_type == "boolean":
        right = isinstance(value, bool)
    elif data_type in _TEXTS:
        expected, right = "text", isinstance(value, str)
    elif data_type == "date":
        right = isinstance(value, str) and _is_date(value)
    elif data_type == "datetime":
        right = isinstance(value, str) and _is_time(value)
    elif data_type in _LOOKUPS:
        expected, right = "jsonobject", isinstance(value, dict) and ("id" in value or "name" in value)
    elif data_type == "multiselectpicklist":
        expected, right = (
            "jsonarray",
            isinstance(value, list) and all(isinstance(part, str) for part in value),
        )
    else:
        return None
    return None if right else needs(expected)


def _is_date(text: str) -> bool:
    try:
        return len(text) == 10 and date.fromisoformat(text) is not None
    except ValueError:
        return False


def _is_time(text: str) -> bool:
    try:
        return "T" in text and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
