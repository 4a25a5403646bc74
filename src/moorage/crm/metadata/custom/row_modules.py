"""Modules whose records are the rows of a field. Each comes and goes with its field."""

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL, api_name_of, check_api_name
from moorage.crm.metadata.definitions import FieldDefinition, LookupDefinition, ModuleDefinition
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.standard.standard_modules import standard

_MODEL = "Quoted_Items"  # The shipped module that others are made after.
_SYSTEM_FIELDS = ("Created_Time", "Modified_Time", "id", "Record_Status__s")
_GENERATED_TYPES = frozenset({"subform", "linking"})
# The types of fields that a row can have. Others count records, or have rows themselves.
ROW_TYPES = frozenset(
    [
        "bigint", "boolean", "currency", "date", "datetime", "double", "email", "formula", "integer",
        "lookup", "multiselectpicklist", "percent", "phone", "picklist", "text", "textarea", "userlookup", "website",
    ]
)  # fmt: skip
# First segments of paths that are no modules.
RESERVED_MODULES = frozenset(
    [
        "actions", "approvals", "bulk", "coql", "features", "files", "org", "settings", "signals", "status", "upload",
        "upsert", "users",
    ]
)  # fmt: skip


def has_rows(module: Document) -> bool:
    """Whether the records of a module are the rows of a field."""
    return module.body["generated_type"] in _GENERATED_TYPES


def refuse_in_rows(spec: JsonObject, data_type: str) -> None:
    """Raise the Fault for a field that rows can't have: nothing compares them with other rows, or counts them."""
    if data_type not in ROW_TYPES:
        types = sorted(ROW_TYPES)
        raise spec.fault(
            "NOT_ALLOWED", "a row cannot have a field of this type", "data_type", supported_values=types
        )
    if "unique" in spec:
        raise spec.fault("NOT_ALLOWED", "a field of rows cannot be unique", "unique")
    if "external" in spec:
        raise spec.fault("NOT_ALLOWED", "a field of rows cannot be external", "external")


def module_name_of(name: str, used: Collection[str]) -> str:
    """The API name of a new module that is to be called `name`; `used` are the names of all others."""
    return api_name_of(name[:LONGEST_LABEL], [*used, *RESERVED_MODULES])


def check_module_name(name: str, path: str, used: Collection[str]) -> None:
    """Raise the Fault for a name that a new module can't have; `used` are the names of all others."""
    check_api_name(name, path, used)
    if name.lower() in RESERVED_MODULES:
        place = {"api_name": "api_name", "json_path": f"{path}.api_name"}
        raise Fault(400, "RESERVED_KEYWORD_NOT_ALLOWED", "reserved keyword not allowed", place)


def subform_module(name: str, label: str, parent: str, sequence_number: int) -> ModuleDefinition:
    """The module of a subform in the records of `parent`. Names are API names."""
    parent_id = replace(_model_field("Parent_Id"), lookup=LookupDefinition(None, parent))
    return _module("subform", name, label, parent, sequence_number, [parent_id])


def linking_module(
    name: str, label: str, own: FieldDefinition, connected: FieldDefinition, sequence_number: int
) -> ModuleDefinition:
    """The module of links: each leads from its `own` record to a `connected` one, or to a user."""
    assert own.lookup is not None
    module = _module("linking", name, label, own.lookup.module, sequence_number, [own, connected])
    return replace(module, creatable=True, editable=True, deletable=True)


def own_lookup(name: str, label: str, module: str) -> FieldDefinition:
    """The lookup by which a link points to the record it belongs to, from the beginning to the end."""
    model = _model_field("Parent_Id")
    return replace(
        model,
        api_name=name,
        field_label=label,
        display_label=label,
        lookup=LookupDefinition(None, module),
        system_mandatory=True,
        operation_type=model.operation_type | {"web_create": True, "api_create": True},
    )


def connected_lookup(name: str, label: str, lookup: LookupDefinition | None) -> FieldDefinition:
    """The lookup by which a link leads to another record; without `lookup`, to a user."""
    return replace(
        _model_field("Product_Name"),
        api_name=name,
        field_label=label,
        display_label=label,
        data_type="userlookup" if lookup is None else "lookup",
        lookup=lookup,
    )


def lookup_names(own: str, connected: str) -> tuple[str, str]:
    """The API names of a link's two lookups, as like these as can be."""
    name = api_name_of(connected, _SYSTEM_FIELDS)
    return api_name_of(own, [name, *_SYSTEM_FIELDS]), name


def _module(
    generated_type: str,
    name: str,
    label: str,
    parent: str,
    sequence_number: int,
    fields: Iterable[FieldDefinition],
) -> ModuleDefinition:
    return replace(
        _model(),
        generated_type=generated_type,
        api_name=name,
        module_name=name.replace("_", ""),
        singular_label=label,
        plural_label=label,
        sequence_number=sequence_number,
        parent_module=parent,
        fields=(*fields, *map(_model_field, _SYSTEM_FIELDS)),
    )


def _model() -> ModuleDefinition:
    return next(module for module in standard().modules if module.api_name == _MODEL)


def _model_field(name: str) -> FieldDefinition:
    return next(field for field in _model().fields if field.api_name == name)
