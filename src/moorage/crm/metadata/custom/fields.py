"""A field as callers specify it, read into its definition, or into changes of its document [Z create-fields]."""

from collections.abc import Callable
from typing import Any

from moorage.crm.metadata.custom.formula_fields import changed_formula, new_formula, type_of_formula
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL, api_name_of, check_api_name
from moorage.crm.metadata.custom.options import changed_options, new_options
from moorage.crm.metadata.custom.row_modules import refuse_in_rows
from moorage.crm.metadata.custom.types import FIELD_TYPES, MOST_DECIMALS, PICK_LISTS, FieldType
from moorage.crm.metadata.definitions import UNIQUE_TYPES, FieldDefinition, Ids, LookupDefinition
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.field_documents import choice

MOST_FIELDS = 300  # Custom fields of one module.
MOST_UNIQUE = 2
# Members that belong to features which the embedded CRM does not have.
_UNSUPPORTED = (
    "crypt", "external", "private", "global_picklist", "history_tracking", "association_details", "formula",
    "rollup_summary", "multiselectlookup", "multiuserlookup",
)  # fmt: skip
_ROUNDING = ("normal", "round_off", "round_up", "round_down")
_TEXTAREAS = {"small": 2000, "large": 32_000, "rich_text": 50_000}


def new_field(
    spec: JsonObject,
    known: list[Document],
    module_named: Callable[[JsonObject], str],
    *,
    in_rows: bool = False,
) -> FieldDefinition:
    """The definition of a new field. `known` are the fields of its module; `module_named` finds a lookup's module.

    `in_rows` says that the records of its module are the rows of another field.

    Raises the Fault for a specification that is not possible.
    """
    _refuse_unsupported(spec, spec.raw("data_type"))
    label = _label(spec, known, None)
    if label is None:
        raise spec.fault("MANDATORY_NOT_FOUND", "required field not found", "field_label")
    data_type = _data_type(spec)
    if in_rows:
        refuse_in_rows(spec, data_type)
    formula = new_formula(spec) if data_type == "formula" else None
    field_type = _field_type(data_type, formula)
    names = [field.name for field in known]
    name = spec.text("api_name", LONGEST_LABEL)
    if name is not None:
        check_api_name(name, spec.path, names)
    name = name or api_name_of(label, names)
    _refuse_too_many(spec, known, data_type)
    length = _length(spec, data_type, field_type)
    more = _specifics(spec, data_type, length)
    if formula is not None:
        more["formula"] = formula
    if "unique" in spec:
        more["unique"] = _unique(spec, data_type, known)
    return FieldDefinition(
        api_name=name,
        field_label=label,
        display_label=label,
        data_type=data_type,
        json_type=field_type.json_type,
        length=length,
        decimal_place=_decimals(spec, field_type, length),
        searchable=field_type.searchable,
        sortable=field_type.sortable,
        filterable=field_type.filterable and length <= 2000,
        mass_update=field_type.writable and not field_type.has_rows,
        read_only=formula is not None,
        field_read_only=not field_type.writable,
        custom_field=True,
        operation_type=dict.fromkeys(
            ("web_create", "web_update", "api_create", "api_update"), field_type.writable
        ),
        pick_list_values=new_options(spec) if data_type in PICK_LISTS else (),
        lookup=_lookup(spec, module_named) if data_type == "lookup" else None,
        more=more,
    )


def changed_field(spec: JsonObject, field: Document, known: list[Document], ids: Ids) -> Body:
    """The new body of a field's document. Raises the Fault for what can't change."""
    body, data_type = field.body, field.body["data_type"]
    if not body["custom_field"]:
        raise spec.fault("NOT_ALLOWED", "system field cannot be updated", "id")
    _refuse_unsupported(spec, data_type)
    for name in ("data_type", "api_name"):
        if name in spec and spec.raw(name) != body[name]:
            raise spec.fault("NOT_ALLOWED", f"{name} cannot be changed", name)
    changed: Body = {}
    length: int = body["length"]
    if (label := _label(spec, known, field)) is not None:
        changed |= {"field_label": label, "display_label": label}
    if "length" in spec:
        length = changed["length"] = _longer(spec, body)
    if "decimal_place" in spec:
        changed["decimal_place"] = _decimals(spec, _field_type(data_type, body.get("formula")), length)
    if spec.has_member("unique"):
        changed["unique"] = _changed_unique(spec, field, known)
    if "pick_list_values" in spec:
        if data_type not in PICK_LISTS:
            raise spec.invalid("pick_list_values")
        kept, new = changed_options(spec, body["pick_list_values"])
        options = [*kept, *(choice(value, ids, {}) for value in new)]
        changed["pick_list_values"] = [
            {**option, "sequence_number": number} for number, option in enumerate(options, 1)
        ]
    return {**body, **changed, **_specifics(spec, data_type, length, body)}


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
        raise spec.fault("MANDATORY_NOT_FOUND", "required field not found", "data_type")
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
    if textarea is not None and kind not in _TEXTAREAS:
        raise textarea.invalid("type", supported_values=list(_TEXTAREAS))
    length = spec.whole_number("length")
    if length is None:
        return _TEXTAREAS[kind] if kind is not None else field_type.length
    if field_type.lengths is None:
        return field_type.length
    if length not in field_type.lengths:
        allowed = {"from": field_type.lengths[0], "to": field_type.lengths[-1]}
        raise spec.invalid("length", range=allowed)
    if kind is not None and _TEXTAREAS[kind] != length:
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


def _changed_unique(spec: JsonObject, field: Document, known: list[Document]) -> Body:
    unique = spec.inner("unique")
    if unique is None or unique.has_member("_disable"):
        return {}
    if field.body.get("unique"):
        return dict(field.body["unique"])
    return _unique(spec, field.body["data_type"], known)


def _lookup(spec: JsonObject, module_named: Callable[[JsonObject], str]) -> LookupDefinition:
    lookup = spec.inner("lookup")
    if lookup is None:
        raise spec.fault("DEPENDENT_FIELD_MISSING", "dependent field missing", "lookup")
    label = lookup.text("display_label", LONGEST_LABEL)
    if label is None:
        raise lookup.fault("MANDATORY_NOT_FOUND", "required field not found", "display_label")
    query = lookup.inner("query_details")
    if query is not None and "criteria" in query:
        raise query.fault("NOT_SUPPORTED", "this is not supported here", "criteria")
    module = lookup.inner("module")
    if module is None:
        raise lookup.fault("MANDATORY_NOT_FOUND", "required field not found", "module")
    return LookupDefinition(None, module_named(module), display_label=label)


def _specifics(spec: JsonObject, data_type: str, length: int, body: Body | None = None) -> Body:
    """The members that only some types have. For a change of `body`, only those that it changes."""
    more: Body = {}
    if (tooltip := spec.inner("tooltip")) is not None:
        more["tooltip"] = _tooltip(tooltip)
    if data_type in PICK_LISTS:
        for name in ("pick_list_values_sorted_lexically", "enable_colour_code"):
            if body is None or name in spec:
                more[name] = spec.boolean(name)
    if data_type in {"integer", "bigint", "double"} and "separator" in spec:
        more["separator"] = spec.boolean("separator")
    if data_type == "currency" and (body is None or "currency" in spec):
        more["currency"] = _currency(spec)
    if data_type == "formula" and body is not None:
        more["formula"] = changed_formula(spec, body)
    if data_type == "autonumber" and body is None:
        more["auto_number"] = _auto_number(spec)
    if data_type == "textarea":
        more["textarea"] = {"type": next(kind for kind, most in _TEXTAREAS.items() if most == length)}
    return more


def _tooltip(tooltip: JsonObject) -> Body:
    longest = {"static_text": 35, "info_icon": 255}
    name = tooltip.text("name", 20)
    if name not in longest:
        raise tooltip.invalid("name", supported_values=list(longest))
    value = tooltip.text("value", longest[name])
    if value is None:
        raise tooltip.fault("MANDATORY_NOT_FOUND", "required field not found", "value")
    return {"name": name, "value": value}


def _currency(spec: JsonObject) -> Body:
    currency = spec.inner("currency")
    rounding = currency.text("rounding_option", 20) if currency is not None else None
    precision = currency.whole_number("precision") if currency is not None else None
    if currency is not None and rounding not in (None, *_ROUNDING):
        raise currency.invalid("rounding_option", supported_values=list(_ROUNDING))
    if currency is not None and precision is not None and not 0 <= precision <= MOST_DECIMALS:
        raise currency.invalid("precision", range={"from": 0, "to": MOST_DECIMALS})
    return {"rounding_option": rounding or "normal", "precision": 2 if precision is None else precision}


def _auto_number(spec: JsonObject) -> Body:
    numbers = spec.inner("auto_number")
    if numbers is None:
        raise spec.fault("DEPENDENT_FIELD_MISSING", "dependent field missing", "auto_number")
    if spec.boolean("_update_existing_records") or numbers.boolean("_update_existing_records"):
        raise spec.fault("NOT_SUPPORTED", "records that are there get no number", "_update_existing_records")
    start: Any = numbers.raw("start_number")
    if isinstance(start, str) and start.isascii() and start.isdigit() and len(start) <= 15:
        start = int(start)
    if start is None:
        raise numbers.fault("MANDATORY_NOT_FOUND", "required field not found", "start_number")
    if not isinstance(start, int) or isinstance(start, bool) or not 0 <= start < 10**15:
        raise numbers.invalid("start_number", expected_data_type="bigint")
    return {"prefix": numbers.text("prefix", 50), "suffix": numbers.text("suffix", 50), "start_number": start}
