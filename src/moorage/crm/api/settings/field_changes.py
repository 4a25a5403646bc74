"""Custom fields, which an organisation makes for itself: create, update, delete [Z create-fields]."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from moorage.crm.api.documents import module_named, module_parameter
from moorage.crm.api.items import each_outcome, outcomes_answer, specs_of
from moorage.crm.api.settings.changing import require_customizer
from moorage.crm.api.settings.formula_values import must_be_worked_out, work_out
from moorage.crm.api.settings.roll_up_fields import RollUpFields, is_rolled_up
from moorage.crm.api.settings.row_modules import RowModules
from moorage.crm.faults import Fault, invalid_id, module_unsupported
from moorage.crm.metadata.custom.belongings import belongings
from moorage.crm.metadata.custom.conversion import with_mapping
from moorage.crm.metadata.custom.dependencies import is_mapped
from moorage.crm.metadata.custom.fields import changed_field, new_field
from moorage.crm.metadata.custom.formula_fields import checked_formula, uses
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.related_lists import new_list
from moorage.crm.metadata.custom.row_modules import has_rows, refuse_in_rows
from moorage.crm.metadata.custom.types import FIELD_TYPES
from moorage.crm.metadata.definitions import FieldDefinition, LookupDefinition, SectionDefinition
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.field_documents import field_document
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.layout_documents import section_body, with_field, with_subform, without_field
from moorage.crm.metadata.related_list_documents import related_list_document
from moorage.crm.metadata.roll_ups import ROLL_UP
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.wire.call import Call
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_FIELDS = 5  # Of one call.
MAX_BODY = 1024 * 1024

T = TypeVar("T")


async def create_fields(call: Call) -> Response:
    module = _changeable(call)
    specs = await specs_of(call, "fields", MOST_FIELDS)
    outcomes = await _change(call, module, lambda change: each_outcome(specs, change.create))
    return outcomes_answer("fields", outcomes, done=201)


async def update_fields(call: Call) -> Response:
    module = _changeable(call)
    specs = await specs_of(call, "fields", MOST_FIELDS)
    outcomes = await _change(call, module, lambda change: each_outcome(specs, change.update))
    return outcomes_answer("fields", outcomes)


async def update_field(call: Call) -> Response:
    module, field_id = _changeable(call), path_id(call.path, 2)
    specs = await specs_of(call, "fields", 1)
    outcomes = await _change(
        call, module, lambda change: each_outcome(specs, lambda spec: change.update_one(field_id, spec))
    )
    return outcomes_answer("fields", outcomes)


async def delete_field(call: Call) -> Response:
    module, field_id = _changeable(call), path_id(call.path, 2)
    outcome = await _change(call, module, lambda change: change.delete(field_id))
    return outcomes_answer("fields", [outcome])


def _changeable(call: Call) -> Document:
    """The module that the query names. Raises the Fault for a module whose fields can't be changed."""
    require_customizer(call)
    module = module_parameter(call)
    if not call.organisation.metadata.all("layout", module.id):
        raise module_unsupported({"param_name": "module"})
    return module


async def _change(call: Call, module: Document, run: "Callable[[_FieldChanges], T]") -> T:
    """Run changes of fields as one change of the metadata, in the writer's thread."""

    def job(transaction: MetadataTransaction) -> T:
        change = _FieldChanges(transaction, module)
        result = run(change)
        work_out(transaction, module, change.formulas)
        return result

    return await call.store.change_metadata(job)


class _FieldChanges:
    """Changes to the fields of one module, within a change of the metadata.

    `formulas` are the new and changed formulas.
    """

    def __init__(self, transaction: MetadataTransaction, module: Document) -> None:
        self._transaction = transaction
        self._module = module
        self.formulas: list[Document] = []

    @property
    def _metadata(self) -> Metadata:
        return self._transaction.metadata

    @property
    def _picklists(self) -> list[Document]:
        return self._metadata.all("global_picklist")

    def new_id(self) -> str:
        return str(self._transaction.new_ids(1)[0])

    def module(self, api_name: str) -> Body:
        module = module_named(self._metadata, api_name)
        if module is None:
            raise LookupError(api_name)
        return {"api_name": api_name, "id": str(module.id)}

    def create(self, spec: JsonObject) -> Outcome:
        known = self._metadata.all("field", self._module.id)
        definition = new_field(
            spec, known, self._module_named, picklists=self._picklists, in_rows=has_rows(self._module)
        )
        if definition.lookup is not None:
            definition = self._with_related_list(definition, definition.lookup)
        if FIELD_TYPES[definition.data_type].has_rows:
            definition = self._row_modules().add(spec, definition)
        if definition.data_type == ROLL_UP:
            definition = RollUpFields(self._transaction, self._module).add(spec, definition)
        body = field_document(definition, self.new_id(), self, {})
        field = Document(int(body["id"]), "field", self._module.id, definition.api_name, body)
        self._put(spec, None, field)
        self._lay_out(lambda layout: self._shown_in(layout, field))
        if definition.data_type == ROLL_UP:
            RollUpFields(self._transaction, self._module).fill(field.name)
        return succeeded({"id": str(field.id)}, "field created")

    def _row_modules(self) -> RowModules:
        return RowModules(self._transaction, self, self._module, self._module_named)

    def _shown_in(self, layout: Body, field: Document) -> Body:
        if field.body["data_type"] != "subform":
            return with_field(layout, str(field.id))
        section = SectionDefinition(field.name, field.body["field_label"], 0, 1, True)
        return with_subform(layout, section_body(section, self.new_id(), [str(field.id)]))

    def update(self, spec: JsonObject) -> Outcome:
        spec.require("id")
        field = self._field(whole_id(spec.raw("id")))
        if field is None:
            raise spec.fault("INVALID_DATA", "the id given seems to be invalid", "id")
        return self._update(field, spec)

    def update_one(self, field_id: int, spec: JsonObject) -> Outcome:
        """The update of the field that the path names, whatever id the body has."""
        return self._update(self._require(field_id), spec)

    def delete(self, field_id: int) -> Outcome:
        field = self._require(field_id)
        if not field.body["custom_field"]:
            raise Fault(400, "NOT_ALLOWED", "system field cannot be deleted", {"resource_path_index": 2})
        if self._is_used(field):
            message = "The custom field has already used in other places"
            raise Fault(400, "NOT_ALLOWED", message, {"resource_path_index": 2})
        self._lay_out(lambda layout: without_field(layout, str(field.id)))
        self._transaction.remove([field.id, *belongings(self._metadata, field)])
        return succeeded({"id": str(field.id)}, "field deleted")

    def _update(self, field: Document, spec: JsonObject) -> Outcome:
        known = self._metadata.all("field", self._module.id)
        if has_rows(self._module):
            refuse_in_rows(spec, field.body["data_type"])
        body = changed_field(spec, field, known, self, self._picklists)
        if body["data_type"] == ROLL_UP:
            return self._update_roll_up(spec, field, body)
        if body.get("unique") and not field.body.get("unique"):
            self._refuse_repeats(field, spec)
        self._put(spec, field, field.with_body(body))
        return succeeded({"id": str(field.id)}, "field updated")

    def _put(self, spec: JsonObject, before: Document | None, field: Document) -> None:
        field = field.with_body(with_mapping(spec, field.body, self._module, self._metadata))
        if must_be_worked_out(before, field):
            field = field.with_body(checked_formula(spec, field.body, self._module, self._metadata))
            self.formulas.append(field)
        self._transaction.put(field)

    def _update_roll_up(self, spec: JsonObject, field: Document, body: Body) -> Outcome:
        roll_up = RollUpFields(self._transaction, self._module).changed(spec, field)
        kept = {"decimal_place": field.body["decimal_place"], ROLL_UP: roll_up}
        self._transaction.put(field.with_body(body | kept))
        if roll_up != field.body[ROLL_UP]:
            RollUpFields(self._transaction, self._module).fill(field.name)
        return succeeded({"id": str(field.id)}, "field updated")

    def _refuse_repeats(self, field: Document, spec: JsonObject) -> None:
        if self._transaction.repeats(self._module.id, field.id):
            raise spec.fault("NOT_ALLOWED", "several records have the same value in this field", "unique")

    def _require(self, field_id: int) -> Document:
        field = self._field(field_id)
        if field is None:
            raise invalid_id(2)
        return field

    def _field(self, field_id: int | None) -> Document | None:
        field = self._metadata.find("field", field_id or 0)
        return field if field is not None and field.module == self._module.id else None

    def _is_used(self, field: Document) -> bool:
        if is_mapped(field, self._metadata.all("map_dependency", self._module.id)):
            return True
        views = self._metadata.all("custom_view", self._module.id)
        in_view = any(f'"{field.id}"'.encode() in msgspec.json.encode(view.body) for view in views)
        if in_view or is_rolled_up(self._metadata, field):
            return True
        return any(uses(other, field) for other in self._metadata.all("field", self._module.id))

    def _lay_out(self, change: Callable[[Body], Body]) -> None:
        for layout in self._metadata.all("layout", self._module.id):
            self._transaction.put(layout.with_body(change(layout.body)))

    def _module_named(self, spec: JsonObject) -> str:
        """The API name of the module that a lookup points to. Raises the Fault for one without records of its own."""
        identity = whole_id(spec.raw("id"))
        for module in self._metadata.all("module"):
            if module.id == identity or (identity is None and module.name == spec.raw("api_name")):
                if not has_rows(module) and self._metadata.all("layout", module.id):
                    return module.name
                break
        raise spec.invalid("id" if "id" in spec else "api_name")

    def _with_related_list(self, definition: FieldDefinition, lookup: LookupDefinition) -> FieldDefinition:
        """Give the module that a lookup points to a related list of the records that point to its own."""
        target = module_named(self._metadata, lookup.module)
        assert target is not None
        assert lookup.display_label is not None
        lists = self._metadata.all("related_list", target.id)
        related = new_list(lookup.display_label, self._module.name, lists)
        body = related_list_document(related, self.new_id(), target.name, self.module(self._module.name))
        self._transaction.put(Document(int(body["id"]), "related_list", target.id, related.api_name, body))
        lookup = msgspec.structs.replace(lookup, api_name=related.api_name)
        return msgspec.structs.replace(definition, lookup=lookup)


_SCOPE = "ZohoCRM.settings.fields"

ROUTES = (
    Route("POST", "/crm/v8/settings/fields", create_fields, (f"{_SCOPE}.CREATE",), max_body=MAX_BODY),
    Route("PATCH", "/crm/v8/settings/fields", update_fields, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
    Route("PATCH", "/crm/v8/settings/fields/{id}", update_field, (f"{_SCOPE}.UPDATE",), max_body=MAX_BODY),
    Route("DELETE", "/crm/v8/settings/fields/{id}", delete_field, (f"{_SCOPE}.DELETE",)),
)
