"""The JSON of a write. Too many objects in it are refused before any object is made.

A body of 16 MB can become 400 MB of objects. Making them holds up all other calls, even in a thread. So records are
counted first, and the records of a long body are read one by one, outside of the event loop.
"""

from typing import Any, TypeVar

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, ValidationError, defstruct
from msgspec import json as msgspec_json

from moorage.crm.faults import Fault, unparsable

MAX_RECORDS = 100
MAX_VALUE = 1024 * 1024  # Bytes of one record, or of another member.
MAX_CONTAINERS = 200_000  # Objects and lists in all records together ...
MAX_CONTAINERS_OF_ONE = 10_000  # ... and in one record.
MAX_OBJECT = (
    6 * MAX_VALUE
)  # Bytes of a body that has no list of records: a composite request has five of them ...
MAX_CONTAINERS_OF_OBJECT = 50_000  # ... and objects and lists in it.
AT_ONCE = 64 * 1024  # Bytes. A body up to this length is read in a millisecond or less.

T = TypeVar("T")


class _Members(Struct):
    """The members of a long body that are read. Other members are skipped."""

    data: Raw | UnsetType = UNSET
    trigger: Raw | UnsetType = UNSET
    apply_feature_execution: Raw | UnsetType = UNSET
    skip_feature_execution: Raw | UnsetType = UNSET
    lar_id: Raw | UnsetType = UNSET
    duplicate_check_fields: Raw | UnsetType = UNSET


# A list of at most so many items: its reader stops at the first item that is too many.
_Rows = defstruct(
    "_Rows",
    [(f"row_{number}", Raw | UnsetType, UNSET) for number in range(MAX_RECORDS)],
    array_like=True,
    forbid_unknown_fields=True,
)
_members = msgspec_json.Decoder(_Members)
_anything = msgspec_json.Decoder(Raw)
_rows = msgspec_json.Decoder(_Rows)


def members_of(body: bytes, maximum: int) -> dict[str, Any]:
    """The members of a body; of a long body, only the members that the API knows.

    If `data` is not a list of at most `maximum` records, no record is read. Raises the Fault for a body that is not
    JSON, is not an object, or has too many objects.
    """
    if len(body) <= MAX_CONTAINERS_OF_ONE:  # Too short for too many objects.
        return _short(body, maximum)
    _require_few(body, "the body", MAX_CONTAINERS)
    try:
        members = _decoded(_members, body)
    except ValidationError:
        _decoded(_anything, body)
        raise _no_object() from None
    values = {}
    for name in _Members.__struct_fields__:
        raw = getattr(members, name)
        if raw is not UNSET:
            values[name] = _records(raw, maximum) if name == "data" else _value(raw, name)
    return values


def require_small(body: bytes) -> None:
    """Raise the Fault of a body that is too long to be read at once, or has too many objects."""
    if len(body) > MAX_OBJECT:
        raise _too_large(f"the body is longer than {MAX_OBJECT} bytes")
    _require_few(body, "the body", MAX_CONTAINERS_OF_OBJECT)


def object_in(body: bytes) -> dict[str, Any]:
    """A body that is one small object. Raises the Fault for others."""
    value = _value(Raw(body), "the body")
    if not isinstance(value, dict):
        raise _no_object()
    return value


def _short(body: bytes, maximum: int) -> dict[str, Any]:
    members = _parsed(body)
    if not isinstance(members, dict):
        raise _no_object()
    if "data" in members:
        _require_list(members["data"], maximum)
    return members


def _records(raw: Raw, maximum: int) -> list[Any]:
    try:
        rows = _decoded(_rows, raw)
        records = [row for name in _Rows.__struct_fields__ if (row := getattr(rows, name)) is not UNSET]
    except ValidationError:
        if bytes(memoryview(raw)[:1]) != b"[":
            raise _no_list() from None
        raise _too_long(maximum) from None
    _require_list(records, maximum)
    return [_value(record, "a record") for record in records]


def _require_list(records: Any, maximum: int) -> None:
    if not isinstance(records, list):
        raise _no_list()
    if len(records) > maximum:
        raise _too_long(maximum)


def _no_object() -> Fault:
    return Fault(400, "INVALID_DATA", "body", {"expected_data_type": "jsonobject"})


def _no_list() -> Fault:
    return invalid("data", "$.data", expected_data_type="jsonarray")


def _too_long(maximum: int) -> Fault:
    return invalid("data", "$.data", maximum_length=maximum)


def _value(raw: Raw, what: str) -> Any:
    text = bytes(raw)
    if len(text) > MAX_VALUE:
        raise _too_large(f"{what} is longer than {MAX_VALUE} bytes")
    if len(text) > MAX_CONTAINERS_OF_ONE:
        _require_few(text, what, MAX_CONTAINERS_OF_ONE)
    return _parsed(text)


def _parsed(text: bytes) -> Any:
    try:
        return msgspec_json.decode(text)
    except (ValueError, RecursionError):
        raise unparsable() from None


def _require_few(text: bytes, what: str, maximum: int) -> None:
    if text.count(b"{") + text.count(b"[") > maximum:
        raise _too_large(f"{what} has more than {maximum} objects and lists")


def _decoded(decoder: msgspec_json.Decoder[T], text: bytes | Raw) -> T:
    """Raises ValidationError for JSON of another type; the Fault for bytes that are not JSON, or nested too deep."""
    try:
        return decoder.decode(text)
    except ValidationError:
        raise
    except (DecodeError, ValueError, RecursionError):
        raise unparsable() from None


def invalid(api_name: str, path: str, **details: Any) -> Fault:
    return Fault(400, "INVALID_DATA", "invalid data", {**details, "api_name": api_name, "json_path": path})


def _too_large(why: str) -> Fault:
    return Fault(413, "BODY_SIZE_REACHED", f"{why}: send fewer records at once")
