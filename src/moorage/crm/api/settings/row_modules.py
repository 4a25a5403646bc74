"""The modules of rows that new fields need, made in the same change of the metadata as their field."""

from zoneinfo import ZoneInfo

from msgspec.structs import replace

from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.row_modules import module_name_of, subform_module
from moorage.crm.metadata.definitions import (
    FieldDefinition,
    Ids,
    ModuleDefinition,
    SectionDefinition,
    Subform,
)
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.field_documents import field_document
from moorage.crm.metadata.layout_documents import layout_document, section_body
from moorage.crm.metadata.module_documents import module_document
from moorage.crm.metadata.standard.standard_modules import standard
from moorage.crm.metadata.times import zoned
from moorage.crm.storage.contract.metadata import MetadataTransaction


class RowModules:
    """Makes modules for the fields of the module `owner`. `ids` gives ids of the same change."""

    def __init__(self, transaction: MetadataTransaction, ids: Ids, owner: Document) -> None:
        self._transaction = transaction
        self._ids = ids
        self._owner = owner

    def add(self, spec: JsonObject, definition: FieldDefinition) -> FieldDefinition:
        """Make the module that the rows of a new field need; the field's definition then names it."""
        return self._add_subform(spec, definition)

    def _add_subform(self, spec: JsonObject, definition: FieldDefinition) -> FieldDefinition:
        for name in ("subform", "associated_module", "fields"):
            if name in spec:
                raise spec.fault("NOT_SUPPORTED", "fields of a subform are made in its module", name)
        modules = self._transaction.metadata.all("module")
        name = module_name_of(definition.api_name, [module.name for module in modules])
        self._put(subform_module(name, definition.field_label, self._owner.name, self._next_number()))
        return replace(definition, subform=Subform(name))

    def _next_number(self) -> int:
        modules = self._transaction.metadata.all("module")
        return max(int(module.body["sequence_number"]) for module in modules) + 1

    def _put(self, definition: ModuleDefinition) -> None:
        metadata = self._transaction.metadata
        changed = zoned(ZoneInfo(metadata.org["time_zone"]), self._transaction.now)
        body = module_document(definition, self._ids.new_id(), self._ids, changed)
        module = Document(int(body["id"]), "module", 0, definition.api_name, body)
        fields = [field_document(field, self._ids.new_id(), self._ids, {}) for field in definition.fields]
        layout = self._layout(definition)
        self._transaction.put(module)
        for field in fields:
            self._transaction.put(Document(int(field["id"]), "field", module.id, field["api_name"], field))
        self._transaction.put(Document(int(layout["id"]), "layout", module.id, layout["name"], layout))

    def _layout(self, definition: ModuleDefinition) -> Body:
        """The layout of a new module: one section, for the fields that it may gain."""
        label = f"{definition.singular_label} Information"
        section = SectionDefinition(f"{definition.api_name}_Information", label, 1, 2, False)
        sections = [section_body(section, self._ids.new_id(), [])]
        return layout_document(standard().layout, self._ids.new_id(), sections)
