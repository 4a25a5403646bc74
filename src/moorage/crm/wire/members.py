"""The JSON of a write, read in proportion: what is too much is refused before anything is made of it.

A body of 16 MB can stand for 400 MB of objects, and to make them holds up everybody, in a thread too. So records are
counted first, and those of a long body are read one by one, aside from the event loop.
"""

from typing import Any, TypeVar

from msgspec import UNSET, DecodeError, Raw, Struct, UnsetType, ValidationError, defstruct
from msgspec import json as msgspec_json

from moorage.crm.faults import Fault, unparsable

MAX_RECORDS = 100
MAX_VALUE = 1024 * 1024  # Of one record, or of anything beside the records.
MAX_CONTAINERS = 200_000  # Objects and lists, in all records together ...
MAX_CONTAINERS_OF_ONE = 10_000  # ... and in one.
AT_ONCE = 64 * 1024  # A body up to this size takes a millisecond at most.

T = TypeVar("T")


class _Members(Struct):
    """What is looked at of a long body; all else is passed over unread."""

    data: Raw | UnsetType = UNSET
    trigger: Raw | UnsetType = UNSET
    apply_feature_execution: Raw | UnsetType = UNSET
    skip_feature_execution: Raw | UnsetType = UNSET
    lar_id: Raw | UnsetType = UNSET
    duplicate_check_fields: Raw | UnsetType = UNSET


# A list of which the reader has seen enough once there is one too many.
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
    """The members of a body, and of a long one those that the API knows.

    `data` has to be a list of so many, else none of it is read. Raises the faults for what is no JSON, no object, or
    too much.
    """
    if len(body) <= MAX_CONTAINERS_OF_ONE:  # Too short to stand for too much.
        return _short(body, maximum)
    _require_few(body, "the body", MAX_CONTAINERS)
    try:
        members = _decoded(_members, body)
    except ValidationError:
        _decoded(_anything, body)
        raise _no_object() from None
    found = {}
    for name in _Members.__struct_fields__:
        raw = getattr(members, name)
        if raw is not UNSET:
            found[name] = _records(raw, maximum) if name == "data" else _value(raw, name)
    return found


def _short(body: bytes, maximum: int) -> dict[str, Any]:
    found = _made(body)
    if not isinstance(found, dict):
        raise _no_object()
    if "data" in found:
        _require_list(found["data"], maximum)
    return found


def _records(raw: Raw, maximum: int) -> list[Any]:
    try:
        rows = _decoded(_rows, raw)
        found = [row for name in _Rows.__struct_fields__ if (row := getattr(rows, name)) is not UNSET]
    except ValidationError:
        if bytes(memoryview(raw)[:1]) != b"[":
            raise _no_list() from None
        raise _too_long(maximum) from None
    _require_list(found, maximum)
    return [_value(row, "a record") for row in found]


def _require_list(found: Any, maximum: int) -> None:
    if not isinstance(found, list):
        raise _no_list()
    if len(found) > maximum:
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
    return _made(text)


def _made(text: bytes) -> Any:
    try:
        return msgspec_json.decode(text)
    except (ValueError, RecursionError):
        raise unparsable() from None


def _require_few(text: bytes, what: str, maximum: int) -> None:
    if text.count(b"{") + text.count(b"[") > maximum:
        raise _too_large(f"{what} has more than {maximum} objects and lists")


def _decoded(decoder: msgspec_json.Decoder[T], text: bytes | Raw) -> T:
    """Raises ValidationError for JSON of another kind, and the fault for what is none, is too deep, or no text."""
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
