"""The modules of rows that new fields need, made in the same change of the metadata as their field."""

from collections.abc import Callable
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from moorage.crm.api.documents import module_named
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.links import USERS, LinkSpec, links_body, read_links
from moorage.crm.metadata.custom.related_lists import new_list
from moorage.crm.metadata.custom.row_modules import (
    connected_lookup,
    linking_module,
    lookup_names,
    module_name_of,
    own_lookup,
    subform_module,
)
from moorage.crm.metadata.definitions import (
    FieldDefinition,
    Ids,
    LookupDefinition,
    ModuleDefinition,
    RelatedListDefinition,
    SectionDefinition,
    Subform,
)
from moorage.crm.metadata.documents import Body, Document
from moorage.crm.metadata.field_documents import field_document
from moorage.crm.metadata.layout_documents import layout_document, section_body
from moorage.crm.metadata.module_documents import module_document
from moorage.crm.metadata.related_list_documents import links_list_document
from moorage.crm.metadata.standard.standard_modules import standard
from moorage.crm.metadata.times import zoned
from moorage.crm.storage.contract.metadata import MetadataTransaction


class RowModules:
    """Makes modules for the fields of the module `owner`.

    `ids` gives ids of the same change; `module_named` finds the module that a caller names, or raises the Fault.
    """

    def __init__(
        self,
        transaction: MetadataTransaction,
        ids: Ids,
        owner: Document,
        module_named: Callable[[JsonObject], str],
    ) -> None:
        self._transaction = transaction
        self._ids = ids
        self._owner = owner
        self._module_named = module_named

    def add(self, spec: JsonObject, definition: FieldDefinition) -> FieldDefinition:
        """Make the module that the rows of a new field need; the field's definition then names it.

        Raises the Fault for what is not possible, before anything is made.
        """
        if definition.data_type == "subform":
            return self._add_subform(spec, definition)
        return self._add_links(spec, definition)

    def _add_subform(self, spec: JsonObject, definition: FieldDefinition) -> FieldDefinition:
        for name in ("subform", "associated_module", "fields"):
            if name in spec:
                raise spec.fault("NOT_SUPPORTED", "fields of a subform are made in its module", name)
        name = module_name_of(definition.api_name, self._module_names())
        self._put(subform_module(name, definition.field_label, self._owner.name, self._next_number()))
        return replace(definition, subform=Subform(name))

    def _add_links(self, spec: JsonObject, definition: FieldDefinition) -> FieldDefinition:
        names = self._module_names()
        links = read_links(spec, definition.data_type, self._module_named, names)
        connected = self._connected(links)
        name = links.module_name or module_name_of(f"{self._owner.name}_X_{connected['api_name']}", names)
        label = links.module_label or f"{self._owner.body['plural_label']} X {connected['plural_label']}"
        own, other = lookup_names(links.own_label or self._owner.name, definition.api_name)
        related_list = None if links.connected is None else self._list_definition(links, name)
        module, fields = self._put(
            linking_module(
                name,
                label,
                own_lookup(own, links.own_label or self._owner.body["plural_label"], self._owner.name),
                connected_lookup(
                    other,
                    definition.field_label,
                    LookupDefinition(related_list.api_name, connected["api_name"]) if related_list else None,
                ),
                self._next_number(),
            )
        )
        shown_list = self._put_list(related_list, connected, module.body) if related_list else None
        lookups = {"own": fields[own], "connected": fields[other]}
        body = links_body(self._ids.new_id(), module.body, connected, lookups, shown_list)
        return replace(
            definition, more={**definition.more, definition.data_type: body, "virtual_field": True}
        )

    def _connected(self, links: LinkSpec) -> Body:
        """The document of the module that links lead to; of users, whose module has none, only the names."""
        if links.connected is None:
            return {"api_name": USERS, "plural_label": USERS}
        module = module_named(self._transaction.metadata, links.connected)
        assert module is not None
        return module.body

    def _list_definition(self, links: LinkSpec, name: str) -> RelatedListDefinition:
        """The related list of the connected module, which shows the records that have links to one of its own."""
        connected = self._connected(links)
        lists = self._transaction.metadata.all("related_list", int(connected["id"]))
        return new_list(links.list_label or self._owner.body["plural_label"], name, lists)

    def _put_list(self, definition: RelatedListDefinition, connected: Body, links: Body) -> Body:
        reference = {"api_name": links["api_name"], "id": links["id"]}
        body = links_list_document(
            definition, self._ids.new_id(), connected["api_name"], self._owner.name, reference
        )
        related = Document(int(body["id"]), "related_list", int(connected["id"]), definition.api_name, body)
        self._transaction.put(related)
        return body

    def _module_names(self) -> list[str]:
        return [module.name for module in self._transaction.metadata.all("module")]

    def _next_number(self) -> int:
        modules = self._transaction.metadata.all("module")
        return max(int(module.body["sequence_number"]) for module in modules) + 1

    def _put(self, definition: ModuleDefinition) -> tuple[Document, dict[str, Body]]:
        """The document of a new module, and the bodies of its fields by API name."""
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
        return module, {field["api_name"]: field for field in fields}

    def _layout(self, definition: ModuleDefinition) -> Body:
        """The layout of a new module: one section, for the fields that it may gain."""
        label = f"{definition.singular_label} Information"
        section = SectionDefinition(f"{definition.api_name}_Information", label, 1, 2, False)
        sections = [section_body(section, self._ids.new_id(), [])]
        return layout_document(standard().layout, self._ids.new_id(), sections)
