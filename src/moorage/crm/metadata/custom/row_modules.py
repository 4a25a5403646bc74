"""Modules whose records are the rows of a field. Each comes and goes with its field."""

from collections.abc import Collection, Iterable

from msgspec.structs import replace

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL, api_name_of
from moorage.crm.metadata.definitions import FieldDefinition, LookupDefinition, ModuleDefinition
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.standard.standard_modules import standard

_MODEL = "Quoted_Items"  # The shipped module that others are made after.
_SYSTEM_FIELDS = ("Created_Time", "Modified_Time", "id", "Record_Status__s")
_GENERATED_TYPES = frozenset({"subform"})
# The types of fields that a row can have. Others count records, or have rows themselves.
ROW_TYPES = frozenset(
    [
        "bigint", "boolean", "currency", "date", "datetime", "double", "email", "formula", "integer",
        "lookup", "multiselectpicklist", "percent", "phone", "picklist", "text", "textarea", "userlookup", "website",
    ]
)  # fmt: skip
# First segments of paths that are no modules.
_RESERVED = frozenset(
    ["bulk", "coql", "features", "files", "org", "settings", "signals", "status", "upload", "upsert", "users"]
)


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


def module_name_of(name: str, used: Collection[str]) -> str:
    """The API name of a new module that is to be called `name`; `used` are the names of all others."""
    return api_name_of(name[:LONGEST_LABEL], [*used, *_RESERVED])


def subform_module(name: str, label: str, parent: str, sequence_number: int) -> ModuleDefinition:
    """The module of a subform in the records of `parent`. Names are API names."""
    parent_id = replace(_model_field("Parent_Id"), lookup=LookupDefinition(None, parent))
    return _module(name, label, parent, sequence_number, [parent_id])


def _module(
    name: str, label: str, parent: str, sequence_number: int, fields: Iterable[FieldDefinition]
) -> ModuleDefinition:
    return replace(
        _model(),
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
