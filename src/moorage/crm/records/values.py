"""From the JSON values of a record to the values of its columns, or to the Fault that Zoho would answer.

Formats and limits follow the field types of [Z insert-records].
"""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import NO_VALUE, Field
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.json_numbers import exact
from moorage.crm.metadata.times import instant
from moorage.crm.records.tag_names import MAX_TAGS, SentTag, sent_tags

# Arrays inside a record are counted before their items are read.
MAX_ROWS = 200  # Rows in one field of one record.
MAX_ITEMS = 200  # Items of one list of one record.
MAX_DESCRIPTION = 500  # Characters of the description of an image.

EMAIL = re.compile(r"[^\s@,;:<>()\[\]\\\"]+@[\w-]+(\.[\w-]+)*\.[^\W\d_]{2,22}")
PHONE = re.compile(r"[+.\- (),;#A-Za-z0-9]+")
WEBSITE = re.compile(r"(https?://|ftp://)?[^\s/.]+(\.[^\s/.]+)+([/?#:]\S*)?", re.IGNORECASE)

# In the place of the id of a record that another program's id did not lead to.
UNKNOWN_RECORD = object()

FILE_TYPES = frozenset({"fileupload", "imageupload"})

_encode = msgspec.json.Encoder().encode


class Reference(msgspec.Struct, frozen=True):
    """A lookup as the caller sent it: an id, or only a name. Whether the record exists, only the store knows.

    `module` is the API name or the id of the record's module, where the lookup can point into several.
    """

    id: int | None
    name: str | None
    module: str | None = None


def parse(field: Field, value: Any, path: str) -> Any:
    """The value that the field's column will hold; None empties it. Raises a Fault that names `path`."""
    if field.data_type in FILE_TYPES:
        return _files(field, [] if value is None else value, path)
    if value is None:
        return 0 if field.storage == "boolean" else None  # A checkbox has no third state.
    if value == NO_VALUE and field.data_type == "picklist":
        return None
    return _PARSERS[field.storage](field, value, path)


def mismatch(field: Field, path: str, expected: str) -> Fault:
    details = {"expected_data_type": expected, "api_name": field.api_name, "json_path": path}
    return Fault(400, "INVALID_DATA", "invalid data", details)


def too_long(field: Field, path: str, limit: int) -> Fault:
    details = {"maximum_length": limit, "api_name": field.api_name, "json_path": path}
    return Fault(400, "INVALID_DATA", "invalid data", details)


def missing(field: Field, path: str) -> Fault:
    details = {"api_name": field.api_name, "json_path": path}
    return Fault(400, "MANDATORY_NOT_FOUND", "required field not found", details)


def unknown_id(field: Field, path: str) -> Fault:
    subject = "the related id" if field.api_name == "Parent_Id" else "the id"
    details = {"api_name": field.api_name, "json_path": path}
    return Fault(400, "INVALID_DATA", f"{subject} given seems to be invalid", details)


def _text(field: Field, value: Any, path: str) -> str | None:
    if not isinstance(value, str):
        raise mismatch(field, path, _EXPECTED_TEXT.get(field.data_type, "text"))
    if "\0" in value:
        raise mismatch(field, path, "text")
    if field.length and len(value) > field.length:
        raise too_long(field, path, field.length)
    if not value:
        return None
    pattern = _PATTERNS.get(field.data_type)
    if pattern is not None and not pattern.fullmatch(value):
        raise mismatch(field, path, field.data_type)
    return value


def _integer(field: Field, value: Any, path: str) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise mismatch(field, path, "integer")
    digits = field.length or 9
    if len(str(abs(value))) > digits:
        raise too_long(field, path, digits)
    return value


def _bigint(field: Field, value: Any, path: str) -> int:
    digits = min(field.length or 18, 18)
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]+", value):
        # Python refuses to read very long numbers; with 100 digits this one is too long in any case.
        value = int(value[:100])
    if isinstance(value, bool) or not isinstance(value, int):
        raise mismatch(field, path, "bigint")
    if len(str(abs(value))) > digits:
        raise too_long(field, path, digits)
    return value


def _real(field: Field, value: Any, path: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise mismatch(field, path, "double")
    digits = field.length or 16
    if abs(value) >= 10**digits:
        raise too_long(field, path, digits)
    places = 9 if field.decimal_place is None else field.decimal_place
    return _truncate(float(value), places)


def _truncate(value: float, places: int) -> float:
    """Cut off the decimals that are too many, as Zoho does."""
    text = f"{exact(value):f}"
    whole, _, decimals = text.partition(".")
    return value if len(decimals) <= places else float(f"{whole}.{decimals[:places]}") + 0.0  # No minus zero.


def _boolean(field: Field, value: Any, path: str) -> int:
    if not isinstance(value, bool):
        raise mismatch(field, path, "boolean")
    return int(value)


def _date(field: Field, value: Any, path: str) -> str:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            return date.fromisoformat(value).isoformat()
        except ValueError:
            pass
    raise mismatch(field, path, "date")


def _datetime(field: Field, value: Any, path: str) -> int:
    seconds = instant(value) if isinstance(value, str) else None
    if seconds is None:
        raise mismatch(field, path, "datetime")
    return seconds


def _list(field: Field, value: Any, path: str) -> str | None:
    if not isinstance(value, list):
        raise mismatch(field, path, "jsonarray")
    if len(value) > MAX_ITEMS:
        raise too_long(field, path, MAX_ITEMS)
    limit = 120
    for index, item in enumerate(value):
        if not isinstance(item, str) or "\0" in item:
            raise mismatch(field, f"{path}[{index}]", "text")
        if len(item) > limit:
            raise too_long(field, f"{path}[{index}]", limit)
    chosen = [item for item in dict.fromkeys(value) if item != NO_VALUE]
    return _encode(chosen).decode() if chosen else None


def _json(field: Field, value: Any, path: str) -> str | None:
    array = field.data_type not in {"ALARM", "RRULE", "consent_lookup", "layout"}
    if not isinstance(value, list if array else dict):
        raise mismatch(field, path, "jsonarray" if array else "jsonobject")
    if array and len(value) > MAX_ITEMS:
        raise too_long(field, path, MAX_ITEMS)
    for index, item in enumerate(value if array else ()):
        if not isinstance(item, dict):
            raise mismatch(field, f"{path}[{index}]", "jsonobject")
    limit = 32_000
    text = _encode(value).decode()
    if len(text) > limit:
        raise too_long(field, path, limit)
    if "\\u0000" in text:
        raise mismatch(field, path, "text")
    return text if value else None


def _files(field: Field, value: Any, path: str) -> list[dict[str, Any]]:
    """The rows as they were sent. Whether their files exist, only the store knows."""
    if not isinstance(value, list):
        raise mismatch(field, path, "jsonarray")
    most = field.length or MAX_ITEMS
    added = [row for row in value if not isinstance(row, dict) or row.get("id") is None]
    if len(value) > MAX_ITEMS or len(added) > most:
        raise too_long(field, path, most)
    for index, row in enumerate(value):
        if not isinstance(row, dict):
            raise mismatch(field, f"{path}[{index}]", "jsonobject")
        place = {"api_name": "File_Id__s", "json_path": f"{path}[{index}].File_Id__s"}
        if row.get("id") is None and row.get("File_Id__s") is None:
            raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", place)
        if row.get("id") is None and not isinstance(row["File_Id__s"], str):
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
        _check_image(field, row, f"{path}[{index}]")
    return value


def _check_image(field: Field, row: dict[str, Any], path: str) -> None:
    description, number = row.get("Description__s"), row.get("Sequence_Number__s")
    if description is not None and (not isinstance(description, str) or "\0" in description):
        raise mismatch(field, f"{path}.Description__s", "text")
    if description is not None and len(description) > MAX_DESCRIPTION:
        raise too_long(field, f"{path}.Description__s", MAX_DESCRIPTION)
    if number is not None and (not isinstance(number, int) or not 0 <= number < 10**9):
        raise mismatch(field, f"{path}.Sequence_Number__s", "integer")


def _tags(field: Field, value: Any, path: str) -> list[SentTag]:
    """The tags that a record is to have. Which ones there are, only the store knows."""
    if not isinstance(value, list):
        raise mismatch(field, path, "jsonarray")
    if len(value) > MAX_TAGS:
        details = {"limit": MAX_TAGS, "api_name": field.api_name, "json_path": path}
        raise Fault(400, "LIMIT_EXCEEDED", "limit exceeded", details)
    return sent_tags(value, path)


def _reference(field: Field, value: Any, path: str) -> Reference:
    module = None
    if isinstance(value, dict):
        record, module = value.get("id"), _module_name(value.get("module"))
        if record is UNKNOWN_RECORD:
            raise _unknown_external(field, path)
        if record is None and isinstance(value.get("name"), str):
            return Reference(None, value["name"], module)
        value, path = record, f"{path}.id"
    elif not isinstance(value, str | int) or isinstance(value, bool):
        raise mismatch(field, path, "jsonobject")
    record_id = whole_id(value)
    if record_id is None:
        raise unknown_id(field, path)
    return Reference(record_id, None, module)


def _unknown_external(field: Field, path: str) -> Fault:
    message = "The external ID of the lookup field or the Price Book is incorrect"
    return Fault(400, "INVALID_DATA", message, {"api_name": field.api_name, "json_path": path})


def _module_name(module: Any) -> str | None:
    """Name or id of a module, sent as `{"api_name": "Leads"}`, as `{"id": "5"}`, or alone."""
    if isinstance(module, dict):
        module = module.get("api_name") or module.get("id")
    return str(module) if isinstance(module, str | int) else None


def _rows(field: Field, value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise mismatch(field, path, "jsonarray")
    if len(value) > MAX_ROWS:
        raise too_long(field, path, MAX_ROWS)
    return value


_EXPECTED_TEXT = {"email": "email", "phone": "phone", "website": "website", "picklist": "picklist"}
_PATTERNS = {"email": EMAIL, "phone": PHONE, "website": WEBSITE}
_PARSERS: dict[str, Callable[[Field, Any, str], Any]] = {
    "text": _text,
    "personal": _text,
    "integer": _integer,
    "bigint": _bigint,
    "real": _real,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "list": _list,
    "json": _json,
    "tags": _tags,
    "user": _reference,
    "lookup": _reference,
    "rows": _rows,
}
