"""A field as callers specify it, read into its definition, or into changes of its document [Z create-fields]."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from moorage.crm.metadata.custom.formula_fields import new_formula, type_of_formula
from moorage.crm.metadata.custom.global_picklists import members_of_field
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL, api_name_of, check_api_name
from moorage.crm.metadata.custom.options import changed_options, new_options
from moorage.crm.metadata.custom.row_modules import refuse_in_rows
from moorage.crm.metadata.custom.type_members import TEXTAREAS, members_of_type
from moorage.crm.metadata.custom.types import FIELD_TYPES, MOST_DECIMALS, PICK_LISTS, FieldType
from moorage.crm.metadata.definitions import (
    UNIQUE_TYPES,
    FieldDefinition,
    Ids,
    LookupDefinition,
    PickListValue,
)
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.field_documents import choice
from moorage.crm.metadata.rows import LINK_TYPES

MOST_FIELDS = 300  # Custom fields of one module.
MOST_UNIQUE = 2
_EACH_USER = "an external field of the type user is unique for each user"
_EXTERNAL_TYPES = ("org", "user")  # Whether a record has one id in another program, or one for each user.
# Members that belong to features which the embedded CRM does not have.
_UNSUPPORTED = (
    "crypt", "private", "history_tracking", "association_details", "formula", "rollup_summary",
    "multiselectlookup", "multiuserlookup",
)  # fmt: skip


def new_field(
    spec: JsonObject,
    known: list[Document],
    module_named: Callable[[JsonObject], str],
    *,
    picklists: Sequence[Document] = (),
    in_rows: bool = False,
) -> FieldDefinition:
    """The definition of a new field. `known` are the fields of its module; `module_named` finds a lookup's module.

    `picklists` are the global picklists. `in_rows` says that the records of its module are the rows of another field.

    Raises the Fault for a specification that is not possible.
    """
    _refuse_unsupported(spec, spec.raw("data_type"))
    label = _label(spec, known, None)
    if label is None:
        raise spec.missing("field_label")
    data_type = _data_type(spec)
    if in_rows:
        refuse_in_rows(spec, data_type)
    formula = new_formula(spec) if data_type == "formula" else None
    field_type = _field_type(data_type, formula)
    name = _api_name(spec, label, known)
    _refuse_too_many(spec, known, data_type)
    length = _length(spec, data_type, field_type)
    more = members_of_type(spec, data_type, length) | _of_picklist(spec, data_type, picklists)
    if formula is not None:
        more["formula"] = formula
    if "unique" in spec:
        more["unique"] = _unique(spec, data_type, known)
    if "external" in spec:
        more |= _members_of_external(spec, data_type)
    return replace(
        _plain_field(name, label, data_type, field_type, length),
        decimal_place=_decimals(spec, field_type, length),
        read_only=formula is not None,
        pick_list_values=_own_options(spec, data_type, more),
        lookup=_lookup(spec, module_named) if data_type == "lookup" else None,
        more=more,
    )


def _of_picklist(spec: JsonObject, data_type: str, picklists: Sequence[Document]) -> Body:
    if data_type not in PICK_LISTS:
        if "global_picklist" in spec:
            raise spec.invalid("global_picklist")
        return {}
    return members_of_field(spec, picklists)


def _own_options(spec: JsonObject, data_type: str, more: Body) -> tuple[PickListValue, ...]:
    return new_options(spec) if data_type in PICK_LISTS and not more.get("global_picklist") else ()


def _api_name(spec: JsonObject, label: str, known: list[Document]) -> str:
    """The name that the caller chose, or the one that follows from the label."""
    names = [field.name for field in known]
    name = spec.text("api_name", LONGEST_LABEL)
    if name is None:
        return api_name_of(label, names)
    check_api_name(name, spec.path, names)
    return name


def _plain_field(
    name: str, label: str, data_type: str, field_type: FieldType, length: int
) -> FieldDefinition:
    """A field with what its type alone decides."""
    writable = field_type.writable
    return FieldDefinition(
        api_name=name,
        field_label=label,
        display_label=label,
        data_type=data_type,
        json_type=field_type.json_type,
        length=length,
        searchable=field_type.searchable,
        sortable=field_type.sortable,
        filterable=field_type.filterable and length <= 2000,
        mass_update=writable and not field_type.has_rows,
        field_read_only=not writable,
        custom_field=True,
        operation_type=dict.fromkeys(("web_create", "web_update", "api_create", "api_update"), writable),
    )


def changed_field(
    spec: JsonObject,
    field: Document,
    known: list[Document],
    ids: Ids,
    picklists: Sequence[Document] = (),
) -> Body:
    """The new body of a field's document. Raises the Fault for what can't change."""
    body, data_type = field.body, field.body["data_type"]
    if not body["custom_field"]:
        raise spec.fault("NOT_ALLOWED", "system field cannot be updated", "id")
    _refuse_unsupported(spec, data_type)
    _refuse_lasting(spec, body)
    changed: Body = {}
    length: int = body["length"]
    if (label := _label(spec, known, field)) is not None:
        changed |= {"field_label": label, "display_label": label}
    if "length" in spec:
        length = changed["length"] = _longer(spec, body)
    if "decimal_place" in spec:
        changed["decimal_place"] = _more_decimals(spec, body, length)
    if spec.has_member("unique"):
        changed["unique"] = _changed_unique(spec, field, known)
    changed |= _of_picklist(spec, data_type, picklists)
    if "pick_list_values" in spec and not changed.get("global_picklist"):
        changed["pick_list_values"] = _changed_options(spec, {**body, **changed}, ids)
    return {**body, **changed, **members_of_type(spec, data_type, length, body)}


def _changed_options(spec: JsonObject, body: Body, ids: Ids) -> list[Body]:
    if body["data_type"] not in PICK_LISTS:
        raise spec.invalid("pick_list_values")
    if body.get("global_picklist"):
        message = "the options are those of a global picklist"
        raise spec.fault("NOT_ALLOWED", message, "pick_list_values")
    kept, new = changed_options(spec, body["pick_list_values"])
    options = [*kept, *(choice(value, ids, {}) for value in new)]
    return [{**option, "sequence_number": number} for number, option in enumerate(options, 1)]


def _refuse_lasting(spec: JsonObject, body: Body) -> None:
    for name in ("data_type", "api_name", *({body["data_type"]} & LINK_TYPES)):
        if name in spec and spec.raw(name) != body[name]:
            raise spec.fault("NOT_ALLOWED", f"{name} cannot be changed", name)
    if "external" in spec and _external(spec, body["data_type"]) != body.get("external"):
        raise spec.fault("NOT_ALLOWED", "external cannot be changed", "external")


def _field_type(data_type: str, formula: Body | None) -> FieldType:
    return FIELD_TYPES[data_type] if not formula else type_of_formula(formula["return_type"])


def _refuse_unsupported(spec: JsonObject, data_type: object) -> None:
    """`data_type` is the type of the field: the member of that name is its own."""
    for name in _UNSUPPORTED:
        is_own = name == data_type and name in FIELD_TYPES
        if not is_own and spec.raw(name) not in (None, {}, []):
            raise spec.fault("NOT_SUPPORTED", "this is not supported here", name)
    if spec.boolean("hipaa_compliance_enabled"):
        raise spec.fault("NOT_SUPPORTED", "this is not supported here", "hipaa_compliance_enabled")
    for profile in spec.items("profiles", 100):
        if profile.raw("permission_type") not in (None, "read_write"):
            raise profile.fault(
                "NOT_SUPPORTED", "every profile reads and writes every field here", "permission_type"
            )


def _label(spec: JsonObject, known: list[Document], own: Document | None) -> str | None:
    label = spec.text("field_label", LONGEST_LABEL)
    others = [field for field in known if own is None or field.id != own.id]
    if label is not None and label.casefold() in {field.body["field_label"].casefold() for field in others}:
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "field_label")
    return label


def _data_type(spec: JsonObject) -> str:
    data_type = spec.text("data_type", LONGEST_LABEL)
    if data_type is None:
        raise spec.missing("data_type")
    if data_type not in FIELD_TYPES:
        raise spec.invalid("data_type", supported_values=sorted(FIELD_TYPES))
    return data_type


def _refuse_too_many(spec: JsonObject, known: list[Document], data_type: str) -> None:
    custom = [field for field in known if field.body["custom_field"]]
    if len(custom) >= MOST_FIELDS:
        raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "field_label", limit=MOST_FIELDS)
    if data_type == "autonumber" and any(field.body["data_type"] == "autonumber" for field in known):
        raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "data_type", limit=1)


def _length(spec: JsonObject, data_type: str, field_type: FieldType) -> int:
    textarea = spec.inner("textarea") if data_type == "textarea" else None
    kind = textarea.text("type", 20) if textarea is not None else None
    if textarea is not None and kind not in TEXTAREAS:
        raise textarea.invalid("type", supported_values=list(TEXTAREAS))
    length = spec.whole_number("length")
    if length is None:
        return TEXTAREAS[kind] if kind is not None else field_type.length
    if field_type.lengths is None:
        return field_type.length
    if length not in field_type.lengths:
        allowed = {"from": field_type.lengths[0], "to": field_type.lengths[-1]}
        raise spec.invalid("length", range=allowed)
    if kind is not None and TEXTAREAS[kind] != length:
        raise spec.fault("DEPENDENT_MISMATCH", "the length does not match the type of the textarea", "length")
    return length


def _longer(spec: JsonObject, body: Body) -> int:
    """Values that are there must go on fitting."""
    if FIELD_TYPES[body["data_type"]].lengths is None:
        return int(body["length"])
    length = _length(spec, body["data_type"], _field_type(body["data_type"], body.get("formula")))
    if length < body["length"]:
        raise spec.fault("NOT_ALLOWED", "length cannot be decreased", "length")
    return length


def _decimals(spec: JsonObject, field_type: FieldType, length: int) -> int | None:
    places = spec.whole_number("decimal_place")
    if field_type.decimals is None:
        return None
    if places is None:
        return min(field_type.decimals, length - 1)
    if not 0 <= places <= MOST_DECIMALS:
        raise spec.invalid("decimal_place", range={"from": 0, "to": MOST_DECIMALS})
    if places >= length:
        raise spec.fault("DEPENDENT_MISMATCH", "decimal_place has to be less than length", "decimal_place")
    return places


def _more_decimals(spec: JsonObject, body: Body, length: int) -> int | None:
    """As `_longer`. The values of a formula are worked out anew, so that they may lose decimals."""
    places = _decimals(spec, _field_type(body["data_type"], body.get("formula")), length)
    if not body.get("formula") and (places or 0) < (body["decimal_place"] or 0):
        raise spec.fault("NOT_ALLOWED", "decimal_place cannot be decreased", "decimal_place")
    return places


def _unique(spec: JsonObject, data_type: str, known: list[Document]) -> Body:
    unique = spec.inner("unique")
    assert unique is not None
    if data_type not in UNIQUE_TYPES:
        raise spec.fault("NOT_ALLOWED", "a field of this type cannot be unique", "unique")
    if unique.boolean("case_sensitive"):
        raise unique.fault("NOT_SUPPORTED", "values are compared regardless of case here", "case_sensitive")
    if sum(bool(field.body.get("unique")) for field in known) >= MOST_UNIQUE:
        raise spec.fault("LIMIT_EXCEEDED", "limit exceeded", "unique", limit=MOST_UNIQUE)
    return {"case_sensitive": False}


def _external(spec: JsonObject, data_type: str) -> Body:
    """What makes the values of a field the ids that another program has for records."""
    external = spec.inner("external")
    assert external is not None
    if data_type != "text":
        raise spec.fault("NOT_SUPPORTED", "only a field of the type text can be external", "external")
    kind = external.text("type", 20)
    if kind is None:
        raise external.missing("type")
    if kind not in _EXTERNAL_TYPES:
        raise external.invalid("type", supported_values=list(_EXTERNAL_TYPES))
    return {"type": kind, "show": external.boolean("show", default=True)}


def _members_of_external(spec: JsonObject, data_type: str) -> Body:
    """Values that each user has alone are found with X-EXTERNAL, and by nothing that is for all users."""
    external = _external(spec, data_type)
    if external["type"] != "user":
        return {"external": external}
    if "unique" in spec:
        raise spec.fault("NOT_ALLOWED", _EACH_USER, "unique")
    alone = dict.fromkeys(("searchable", "sortable", "filterable", "mass_update"), False)
    return {"external": external, **alone}


def _changed_unique(spec: JsonObject, field: Document, known: list[Document]) -> Body:
    unique = spec.inner("unique")
    if unique is None or unique.has_member("_disable"):
        return {}
    if (field.body.get("external") or {}).get("type") == "user":
        raise spec.fault("NOT_ALLOWED", _EACH_USER, "unique")
    if field.body.get("unique"):
        return dict(field.body["unique"])
    return _unique(spec, field.body["data_type"], known)


def _lookup(spec: JsonObject, module_named: Callable[[JsonObject], str]) -> LookupDefinition:
    lookup = spec.inner("lookup")
    if lookup is None:
        raise spec.fault("DEPENDENT_FIELD_MISSING", "dependent field missing", "lookup")
    label = lookup.text("display_label", LONGEST_LABEL)
    if label is None:
        raise lookup.missing("display_label")
    query = lookup.inner("query_details")
    if query is not None and "criteria" in query:
        raise query.fault("NOT_SUPPORTED", "this is not supported here", "criteria")
    module = lookup.inner("module")
    if module is None:
        raise lookup.missing("module")
    return LookupDefinition(None, module_named(module), display_label=label)
