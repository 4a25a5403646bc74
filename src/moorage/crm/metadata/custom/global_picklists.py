"""Global picklists as callers specify them, and the options that their fields have of them [Z global-picklists].

A global picklist is a document of the organisation. A field that uses it has a copy of its options, with the same ids,
so that whoever reads a field need not know where its options come from.
"""

import re
from collections.abc import Sequence

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import NO_VALUE
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import api_name_of
from moorage.crm.metadata.definitions import Ids
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.ids import whole_id

MOST_PICKLISTS = 100  # Of an organisation.
MOST_USED, MOST_UNUSED = 1_000, 500  # Options of a picklist.
LONGEST_LABEL, LONGEST_DESCRIPTION, LONGEST_OPTION = 50, 1_000, 120
_SPECIAL = re.compile(r"[<>\x00-\x1f]")
_TYPES = ("used", "unused")


def new_picklist(spec: JsonObject, known: Sequence[Document], ids: Ids) -> Body:
    """The body of a new picklist but for who made it and when. Raises the Fault for one that is not possible."""
    if len(known) >= MOST_PICKLISTS:
        raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "display_label", limit=MOST_PICKLISTS)
    for name in ("display_label", "pick_list_values"):
        if not spec.raw(name):
            raise spec.missing(name)
    label = _label(spec, known, None)
    options = [_option(item, {}, ids) for item in spec.items("pick_list_values", MOST_USED + MOST_UNUSED)]
    body = {
        "id": ids.new_id(),
        "api_name": api_name_of(label, [picklist.name for picklist in known]),
        "display_label": label,
        "actual_label": label,
        "description": spec.text("description", LONGEST_DESCRIPTION),
        "presence": True,
        "pick_list_values_sorted_lexically": spec.boolean("pick_list_values_sorted_lexically"),
    }
    if not any(option["actual_value"] == NO_VALUE for option in options):
        options.insert(0, _plain(ids.new_id(), NO_VALUE, NO_VALUE, "used"))
    return body | {"pick_list_values": _ordered(spec, options, lexically=_is_sorted(body))}


def changed_picklist(spec: JsonObject, picklist: Document, known: Sequence[Document], ids: Ids) -> Body:
    """The new body of a picklist's document. Options that are not named stay as they are."""
    body = dict(picklist.body)
    if "display_label" in spec:
        body["display_label"] = _label(spec, known, picklist)
    if spec.has_member("description"):
        body["description"] = spec.text("description", LONGEST_DESCRIPTION)
    if "pick_list_values_sorted_lexically" in spec:
        body["pick_list_values_sorted_lexically"] = spec.boolean("pick_list_values_sorted_lexically")
    options = {option["id"]: option for option in body["pick_list_values"]}
    for item in spec.items("pick_list_values", MOST_USED + MOST_UNUSED):
        option = _named(item, options)
        if item.has_member("_delete"):
            if option is None or option["actual_value"] == NO_VALUE:
                raise item.invalid("id" if "id" in item else "actual_value")
            del options[option["id"]]
        else:
            changed = _option(item, option or {}, ids)
            options[changed["id"]] = changed
    in_order = sorted(options.values(), key=lambda option: option["sequence_number"])
    return body | {"pick_list_values": _ordered(spec, in_order, lexically=_is_sorted(body))}


def options_of_field(picklist: Body) -> list[Body]:
    """The options as a field has them, which counts from 1."""
    return [
        {**option, "reference_value": option["actual_value"], "sequence_number": number}
        for number, option in enumerate(picklist["pick_list_values"], 1)
    ]


def reference_to(picklist: Body) -> Body:
    """The picklist as a field names it."""
    return {"api_name": picklist["api_name"], "id": picklist["id"]}


def members_of_field(spec: JsonObject, picklists: Sequence[Document]) -> Body:
    """The members of a field that the caller wants to use a picklist; none if the field's options are its own.

    Raises the Fault for a picklist that is not there, and for a field that is given options, too.
    """
    if not spec.has_member("global_picklist"):
        return {}
    named = spec.inner("global_picklist")
    if named is None:
        return {"global_picklist": None}
    if spec.raw("pick_list_values"):
        due_to = [spec.place(name) for name in ("pick_list_values", "global_picklist")]
        message = "cannot use pick_list_values and global_picklist together"
        raise Fault(400, "AMBIGUITY_DURING_PROCESSING", message, {"ambiguity_due_to": due_to})
    if "id" not in named and "api_name" not in named:
        raise named.missing("id")
    identity = whole_id(named.raw("id")) if "id" in named else None
    for picklist in picklists:
        if picklist.id == identity or ("id" not in named and picklist.name == named.raw("api_name")):
            return {
                "global_picklist": reference_to(picklist.body),
                "pick_list_values": options_of_field(picklist.body),
                "pick_list_values_sorted_lexically": picklist.body["pick_list_values_sorted_lexically"],
            }
    raise named.invalid("id" if "id" in named else "api_name")


def fields_of(picklist: Document, fields: Sequence[Document]) -> list[Document]:
    """Those of the fields that use the picklist."""
    return [
        field for field in fields if (field.body.get("global_picklist") or {}).get("id") == str(picklist.id)
    ]


def _label(spec: JsonObject, known: Sequence[Document], own: Document | None) -> str:
    label = spec.text("display_label", LONGEST_LABEL)
    if label is None:
        raise spec.missing("display_label")
    if _SPECIAL.search(label):
        raise spec.fault("INVALID_DATA", "Special characters in name", "display_label")
    others = [other.body["display_label"].casefold() for other in known if own is None or other.id != own.id]
    if label.casefold() in others:
        raise spec.fault("DUPLICATE_DATA", "Duplicate name found, enter a unique name.", "display_label")
    return label


def _named(item: JsonObject, options: dict[str, Body]) -> Body | None:
    """The option that has the id or the actual value; None for a new one."""
    if "id" in item:
        option = options.get(str(whole_id(item.raw("id"))))
        if option is None:
            raise item.invalid("id")
        return option
    value = item.raw("actual_value")
    return next((option for option in options.values() if option["actual_value"] == value), None)


def _option(item: JsonObject, before: Body, ids: Ids) -> Body:
    display = _value(item, "display_value") or before.get("display_value")
    if display is None:
        message = "Values in the pick list field cannot be empty."
        raise item.fault("INVALID_DATA", message, "display_value")
    actual = before.get("actual_value") or _value(item, "actual_value") or display
    kind = item.raw("type") if "type" in item else before.get("type", "used")
    if kind not in _TYPES:
        raise item.invalid("type", regex="|".join(_TYPES))
    option = _plain(before.get("id") or ids.new_id(), display, actual, kind)
    number = item.whole_number("sequence_number")
    last = MOST_USED + MOST_UNUSED
    return option | {"sequence_number": before.get("sequence_number", last) if number is None else number}


def _value(item: JsonObject, name: str) -> str | None:
    value = item.text(name, LONGEST_OPTION)
    if value is not None and _SPECIAL.search(value):
        raise item.fault("INVALID_DATA", "Special characters are not allowed in Options", name)
    return value


def _plain(id_: str, display: str, actual: str, kind: str) -> Body:
    return {"id": id_, "display_value": display, "actual_value": actual, "sequence_number": 0, "type": kind}


def _is_sorted(body: Body) -> bool:
    return bool(body["pick_list_values_sorted_lexically"])


def _ordered(spec: JsonObject, options: list[Body], *, lexically: bool) -> list[Body]:
    """The options numbered from 0, where the empty one is. Raises the Fault if two are the same, or too many."""
    _refuse_repeats(spec, options)
    for kind, most in zip(_TYPES, (MOST_USED, MOST_UNUSED), strict=True):
        if sum(option["type"] == kind for option in options) > most:
            due_to = [spec.place("pick_list_values")]
            raise spec.fault(
                "LIMIT_EXCEEDED", "limit exceeded", "pick_list_values", limit=most, limit_due_to=due_to
            )
    order = (lambda option: option["display_value"].casefold()) if lexically else _number
    ordered = sorted(options, key=lambda option: (option["actual_value"] != NO_VALUE, order(option)))
    return [{**option, "sequence_number": number} for number, option in enumerate(ordered)]


def _number(option: Body) -> int:
    return int(option["sequence_number"])


def _refuse_repeats(spec: JsonObject, options: Sequence[Body]) -> None:
    for name in ("display_value", "actual_value"):
        values = [option[name].casefold() for option in options]
        if len(set(values)) < len(values):
            message = "Duplicate option found. Enter a unique option."
            raise spec.fault("DUPLICATE_DATA", message, "pick_list_values")
