"""What can be said of a value before it is written, by what the organisation says of its field."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime

from moorage.console.crm.fields import NUMBERS, USERS, Field
from moorage.console.crm.place import is_id

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_BOOLEANS = {"true", "false", "yes", "no", "1", "0"}


def row_faults(
    cells: Sequence[str], columns: Sequence[Field | None], required: Mapping[str, str]
) -> list[str]:
    """What is wrong in a row. `required` has the labels of the fields that need a value."""
    faults = []
    missing = dict(required)
    for text, field in zip(cells, columns, strict=True):
        if field is None:
            continue
        if text.strip():
            missing.pop(field.name, None)
            if fault := fault_of(field, text.strip()):
                faults.append(f"{field.label} {fault}")
    return faults + [f"{label} is missing" for label in missing.values()]


def fault_of(field: Field, text: str) -> str | None:
    """What is wrong with a text for a field, behind the field's name."""
    if field.length and (field.is_text or field.type == "picklist") and len(text) > field.length:
        return f"has more than {field.length} characters"
    if field.type in NUMBERS and not _NUMBER.fullmatch(text):
        return f"is no number: {text:.40}"
    if field.type == "email" and not _EMAIL.fullmatch(text):
        return f"is no e-mail address: {text:.40}"
    if field.type == "boolean" and text.lower() not in _BOOLEANS:
        return f"is neither yes nor no: {text:.40}"
    if field.type in {"date", "datetime"} and not _is_time(field.type, text):
        wanted = "2026-11-30" if field.type == "date" else "2026-11-30T10:00:00+00:00"
        return f"is no {field.type} such as {wanted}: {text:.40}"
    if field.type in {"picklist", "multiselectpicklist"} and field.options:
        known = {value for value, _ in field.options}
        parts = text.split(";") if field.type == "multiselectpicklist" else [text]
        if unknown := [part for part in parts if part not in known]:
            return f"has no value {unknown[0]:.40}"
    if field.type in {"lookup", *USERS} and not is_id(text):
        return f"has to be an id: {text:.40}"
    return None


def _is_time(kind: str, text: str) -> bool:
    try:
        if kind == "date":
            return bool(date.fromisoformat(text)) and len(text) == 10
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
