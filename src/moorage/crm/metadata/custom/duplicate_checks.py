"""How duplicates of leads are looked for in other modules, as a caller prefers [Z enable-duplicate-record-check].

The preference is a member of the module's document, so that whoever writes a lead has it without a question.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id

KEY = "duplicate_check"  # The member of the module's document.
MAPPED = "mapped_module_records"
TYPES = ("converted_records", MAPPED)
MAPPED_MODULE = "Contacts"
MOST_MAPPINGS = 100
_LONGEST_NAME = 100


class Preference(Struct, frozen=True):
    """`mappings` has, by the id of a field of leads, the id of the field of contacts that has the same values."""

    type: str
    mappings: dict[str, str]


def preference_of(module: Document) -> Preference | None:
    body = module.body.get(KEY)
    return None if body is None else Preference(body["type"], dict(body["mappings"]))


def asked_preference(
    spec: JsonObject, module: Document, metadata: Metadata, before: Preference | None
) -> Preference:
    """The preference that a body asks for, which changes the one before. Raises the Fault of one that can't be."""
    kind = spec.text("type", _LONGEST_NAME)
    if kind is None:
        raise spec.missing("type")
    if kind not in TYPES:
        raise spec.invalid("type", supported_values=list(TYPES))
    if kind != MAPPED:
        return Preference(kind, {})
    configurations = spec.items("type_configurations", 1) if "type_configurations" in spec else []
    if not configurations:
        dependee = spec.place("type")
        raise spec.fault(
            "DEPENDENT_FIELD_MISSING", "Dependent Field missing", "type_configurations", dependee=dependee
        )
    mapped = _mapped_module(configurations[0], metadata)
    mappings = dict(before.mappings) if before is not None and before.type == MAPPED else {}
    items = configurations[0].items("field_mappings", MOST_MAPPINGS)
    if not items:
        raise configurations[0].missing("field_mappings")
    for item in items:
        current = _unique_field(item, "current_field", metadata.all("field", module.id))
        other = _unique_field(item, "mapped_field", metadata.all("field", mapped.id))
        if item.inner("mapped_field").raw("selected") == "None":  # type: ignore[union-attr]
            mappings.pop(str(current.id), None)
        else:
            mappings[str(current.id)] = str(other.id)
    return Preference(kind, mappings)


def _mapped_module(spec: JsonObject, metadata: Metadata) -> Document:
    item = spec.inner("mapped_module")
    if item is None:
        raise spec.missing("mapped_module")
    module = _named(item, metadata.all("module"))
    if module.name != MAPPED_MODULE:
        raise item.invalid("id" if "id" in item else "api_name", supported_values=[MAPPED_MODULE])
    return module


def _unique_field(spec: JsonObject, name: str, fields: Sequence[Document]) -> Document:
    item = spec.inner(name)
    if item is None:
        raise spec.missing(name)
    field = _named(item, fields)
    external = (field.body.get("external") or {}).get("type")
    if not (field.body.get("unique") or external == "org"):
        message = f"the given {name} API name is not a unique field API name."
        raise item.fault("NOT_ALLOWED", message, "id" if "id" in item else "api_name")
    return field


def _named(item: JsonObject, documents: Sequence[Document]) -> Document:
    """The document that an id, an API name, or both name."""
    tests: dict[str, Callable[[Document], bool]] = {
        "id": lambda document: document.id == whole_id(item.raw("id")),
        "api_name": lambda document: document.name == item.raw("api_name"),
    }
    places = [item.place(name) for name in tests]
    found = {name: next(filter(tests[name], documents), None) for name in tests if name in item}
    if not found:
        details = {"expected_fields": places}
        raise Fault(400, "EXPECTED_FIELD_MISSING", "Specify at least one field.", details)
    for name, document in found.items():
        if document is None:
            raise item.invalid(name)
    chosen = {document.id: document for document in found.values() if document is not None}
    if len(chosen) > 1:
        message = "two different crm fields are found"
        raise Fault(400, "AMBIGUITY_DURING_PROCESSING", message, {"ambiguity_due_to": places})
    return next(iter(chosen.values()))


def shown(preference: Preference, module: Document, metadata: Metadata) -> Body:
    """The preference as the API shows it. A field that is gone is not told."""
    if preference.type != MAPPED:
        return {"type": preference.type, "type_configurations": None}
    mapped = next(each for each in metadata.all("module") if each.name == MAPPED_MODULE)
    pairs = [
        (metadata.find("field", int(current)), metadata.find("field", int(other)))
        for current, other in preference.mappings.items()
    ]
    mappings = [
        {"mapped_field": _reference(other, mapped), "current_field": _reference(current, module)}
        for current, other in pairs
        if current is not None and other is not None
    ]
    of_module = {"api_name": mapped.name, "name": mapped.name, "id": str(mapped.id)}
    configuration: dict[str, Any] = {"field_mappings": mappings, "mapped_module": of_module}
    return {"type": preference.type, "type_configurations": [configuration]}


def _reference(field: Document, module: Document) -> Body:
    return {"api_name": field.name, "name": module.name, "id": str(field.id)}
