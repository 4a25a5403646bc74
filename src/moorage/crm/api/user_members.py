"""Users as callers specify them [Z get-users], [Z add-users]."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document, Kind, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.standard import zone_named
from moorage.crm.metadata.standard.people import standard_offset
from moorage.crm.records.values import EMAIL

LONGEST_NAME = 50
LONGEST_EMAIL = 254
_TEXTS = {
    **dict.fromkeys(("alias", "phone", "mobile", "fax", "city", "state", "zip", "country"), 100),
    **dict.fromkeys(("country_locale", "locale", "language", "date_format", "Currency"), 100),
    **dict.fromkeys(("website", "street"), 250),
    "signature": 10_000,
}
_CHOICES = {
    "time_format": ("HH:mm", "hh:mm a"),
    "number_separator": ("Comma", "Period", "Space", "None"),
    "decimal_separator": ("Period", "Comma"),
    "name_format__s": (
        "Salutation,First Name,Last Name",
        "Salutation,Last Name,First Name",
        "First Name,Last Name,Salutation",
    ),
    "sort_order_preference__s": ("First Name,Last Name", "Last Name,First Name"),
}
_FIXED = {
    "created_by": "Created by & Modified by fields cannot be updated by api",
    "Modified_By": "Created by & Modified by fields cannot be updated by api",
    "type__s": "type__s is cannot be updated by api",
}


def new_user(spec: JsonObject, metadata: Metadata) -> Body:
    """The members of a new user that the caller decides. Raises the Fault for a user who is not possible."""
    if not spec.text("last_name", LONGEST_NAME):
        raise spec.fault("MANDATORY_NOT_FOUND", "Last Name is required", "last_name")
    spec.require("email", "role", "profile")
    before = {"first_name": None, "email": None}
    return changed_user(spec, None, metadata, before)


def changed_user(spec: JsonObject, user: Document | None, metadata: Metadata, before: Body) -> Body:
    """`before` with what the caller changes; `user` is None for a new one."""
    body: Body = dict(before)
    for name in ("first_name", "last_name"):
        if spec.has_member(name):
            body[name] = _name(spec, name)
    if not body.get("last_name"):
        raise spec.fault("MANDATORY_NOT_FOUND", "Last Name is required", "last_name")
    body["full_name"] = f"{body['first_name'] or ''} {body['last_name']}".strip()
    if "email" in spec:
        body["email"] = _email(spec, user, metadata.all("user"))
    kinds: tuple[Kind, Kind] = ("role", "profile")
    for kind in kinds:
        if kind in spec:
            body[kind] = _reference(spec, kind, metadata)
    if "Reporting_To" in spec:
        body["Reporting_To"] = _manager(spec, user, metadata)
    return {**body, **_texts(spec), **_choices(spec), **_times(spec)}


def refuse_fixed(spec: JsonObject, body: Body) -> None:
    """Raise the Fault for members that nobody may change. They may be sent back as they were read."""
    for name, message in _FIXED.items():
        if name in spec and spec.raw(name) != body.get(name, "Regular User"):
            raise spec.fault("NOT_SUPPORTED", message, name)


def _name(spec: JsonObject, name: str) -> str | None:
    text = spec.text(name, LONGEST_NAME)
    if text is not None and any(sign in text for sign in '<>"\\'):
        raise spec.fault("INVALID_DATA", "Special Characters Found", name)
    return text


def _email(spec: JsonObject, user: Document | None, users: Sequence[Document]) -> str:
    email = spec.text("email", LONGEST_EMAIL)
    if email is None or not EMAIL.fullmatch(email):
        message = "Invalid Email Id. Please choose a different email id"
        raise spec.fault("INVALID_DATA", message, "email")
    if user is not None and email == user.body["email"]:
        return email
    if user is not None and user.body["confirm"]:
        message = "Cannot update email of a confirmed CRM User"
        raise spec.fault("EMAIL_UPDATE_NOT_ALLOWED", message, "email")
    others = [
        each for each in users if each.body["status"] != "deleted" and (user is None or each.id != user.id)
    ]
    if email.casefold() in {other.body["email"].casefold() for other in others}:
        message = "Failed to add user since same email id is already present"
        raise spec.fault("DUPLICATE_DATA", message, "email")
    return email


def _id(spec: JsonObject, name: str) -> int:
    """The id of what a member names, as text or in an object."""
    value: Any = spec.raw(name)
    return whole_id(value.get("id") if isinstance(value, dict) else value) or 0


def _reference(spec: JsonObject, kind: Kind, metadata: Metadata) -> Body:
    document = metadata.find(kind, _id(spec, kind))
    if document is None:
        raise spec.fault("INVALID_DATA", "INVALID_DATA", kind)
    return {"name": document.name, "id": str(document.id)}


def _manager(spec: JsonObject, user: Document | None, metadata: Metadata) -> Body:
    manager = metadata.find("user", _id(spec, "Reporting_To"))
    if manager is None or manager.body["status"] != "active" or (user is not None and manager.id == user.id):
        raise spec.invalid("Reporting_To")
    return {"name": manager.body["full_name"], "id": str(manager.id)}


def _texts(spec: JsonObject) -> Body:
    return {name: spec.text(name, most) for name, most in _TEXTS.items() if spec.has_member(name)}


def _choices(spec: JsonObject) -> Body:
    chosen: Body = {}
    for name, choices in _CHOICES.items():
        if name in spec:
            if spec.raw(name) not in choices:
                raise spec.fault("INVALID_DATA", "Pattern not matched", name)
            chosen[name] = spec.raw(name)
    separators = [chosen.get(name) for name in ("number_separator", "decimal_separator")]
    if separators[0] is not None and separators[0] == separators[1]:
        details = {"mapped_field": "decimal_separator"}
        raise spec.fault("MAPPING_MISMATCH", "the separators are the same", "number_separator", **details)
    return chosen


def _times(spec: JsonObject) -> Body:
    times: Body = {}
    if spec.has_member("dob"):
        text = spec.text("dob", 10)
        try:
            times["dob"] = text and date.fromisoformat(text).isoformat()
        except ValueError:
            raise spec.invalid("dob", expected_data_type="date") from None
    if "time_zone" in spec:
        zone = spec.text("time_zone", 100) or ""
        try:
            zone_named(zone)
        except ValueError:
            raise spec.fault("INVALID_DATA", "Give a proper time zone value", "time_zone") from None
        times |= {"time_zone": zone, "offset": standard_offset(zone)}
    return times


def require_own_time_zone(spec: JsonObject, user: Document, *, is_self: bool) -> None:
    """Raise the Fault of a caller who changes the time zone of somebody else."""
    if "time_zone" in spec and not is_self and spec.raw("time_zone") != user.body.get("time_zone"):
        details = spec.place("time_zone")
        raise Fault(415, "INVALID_DATA", "Cannot update the time_zone of another User", details)
