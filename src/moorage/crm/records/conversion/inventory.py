"""Turns quotes into sales orders or invoices, and sales orders into invoices [Z convert-inventory]."""

from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.changes import Change
from moorage.crm.records.conversion.leads import Permit, named, refusing, written
from moorage.crm.records.copies import Copies
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.records.prepare import insertable
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

_PATH = "$.data[0]"
_LONGEST_NAME = 100
_KIND = "conversion"  # The companions that tell what a record was converted into.
# What each module is converted into, and the lookup by which the new record points back.
TARGETS: dict[str, dict[str, str | None]] = {
    "Quotes": {"Sales_Orders": "Quote_Name", "Invoices": None},
    "Sales_Orders": {"Invoices": "Sales_Order"},
}
# The status of an order says nothing about an invoice. Tags go along if the caller says so.
_NOT_COPIED = frozenset({"Status", "Tag"})


class InventoryRequest(msgspec.Struct, frozen=True):
    """`carries_tags` says, by module, whether the new record gets the tags of the old one."""

    carries_tags: dict[str, bool]


def read_inventory_request(organisation: Organisation, module: Module, body: Any) -> InventoryRequest:
    """The only element of `data`. Raises the Fault for what can't be."""
    if not isinstance(body, dict):
        details = {"expected_data_type": "jsonobject", "json_path": _PATH}
        raise Fault(400, "INVALID_DATA", "invalid data", details)
    element = JsonObject(body, _PATH)
    wanted = element.items("convert_to", len(TARGETS[module.api_name]))
    if not wanted:
        raise element.missing("convert_to")
    places: dict[str, str] = {}
    carries_tags: dict[str, bool] = {}
    for item in wanted:
        name, path = _target(organisation, module, item)
        if name in places:
            due_to = [{"api_name": "module", "json_path": place} for place in (places[name], path)]
            message = "cannot convert into the same module twice"
            raise Fault(400, "AMBIGUITY_DURING_PROCESSING", message, {"ambiguity_due_to": due_to})
        places[name] = path
        carries_tags[name] = item.boolean("carry_over_tags")
    return InventoryRequest(carries_tags)


def _target(organisation: Organisation, module: Module, item: JsonObject) -> tuple[str, str]:
    """The name of the module that is named, and its place in the body."""
    chosen = item.inner("module")
    if chosen is None:
        raise item.missing("module")
    member = "api_name" if "api_name" in chosen else "id"
    if member not in chosen:
        raise chosen.missing("api_name")
    name = chosen.text(member, _LONGEST_NAME) if member == "api_name" else str(chosen.raw(member))
    modules = [organisation.catalog.modules[target] for target in TARGETS[module.api_name]]
    for target in modules:
        if name in {target.api_name, str(target.id)}:
            return target.api_name, chosen.path
    raise chosen.invalid(member, supported_values=[target.api_name for target in modules])


class InventoryConversion:
    """The conversion of one record by one user."""

    def __init__(
        self, organisation: Organisation, module: Module, user: int, transaction: Transaction, permit: Permit
    ) -> None:
        self._organisation = organisation
        self._module = module
        self._user = user
        self._transaction = transaction
        self._permit = permit
        self._copies = Copies(organisation, transaction)

    def run(self, record: int, request: InventoryRequest) -> Outcome:
        """Raises the Fault of a record that can't be converted, and Refused for what the request wants."""
        row = self._transaction.rows(self._module, [record]).get(record)
        place = {"resource_path_index": 1}
        if row is None:
            raise Fault(400, "INVALID_DATA", "invalid data", place)
        if self._converted(record) & request.carries_tags.keys():
            raise Fault(400, "ID_ALREADY_CONVERTED", "id already converted", place)
        details = {}
        for name, carries_tags in request.carries_tags.items():
            self._permit("CREATE", name)
            target = self._organisation.catalog.modules[name]
            with refusing():
                details[name] = self._convert(row, target, carries_tags=carries_tags)
        return succeeded(details, "The record has been converted successfully")

    def _converted(self, record: int) -> set[str]:
        """The modules of what became of the record and is still there."""
        companions = self._transaction.companions.of(_KIND, [record]).get(record, [])
        modules = self._organisation.catalog.modules
        return {c.name for c in companions if self._transaction.existing(modules[c.name], [int(c.body)])}

    def _convert(self, row: Row, target: Module, *, carries_tags: bool) -> dict[str, Any]:
        values = self._values(row, target)
        back = TARGETS[self._module.api_name][target.api_name]
        if back is not None:
            values[back] = {"id": str(row["id"])}
        if carries_tags:
            values["Tag"] = self._copies.value(row, self._module.fields["Tag"]) or []
        change = Change(self._organisation, target, self._user, self._transaction)
        prepared = insertable(self._organisation.catalog, target, values, _PATH)
        made = int(written(change.insert([prepared])[0])["id"])
        (companion,) = self._transaction.new_ids(1)
        self._transaction.companions.put([Companion(companion, _KIND, row["id"], target.api_name, str(made))])
        return named(self._transaction, target, made)

    def _values(self, row: Row, target: Module) -> dict[str, Any]:
        values = self._copies.values(row, _shared(self._module, target))
        (source,), (items,) = self._module.row_fields[:1], target.row_fields[:1]
        rows, new_rows = (self._organisation.catalog.rows_of(field) for field in (source, items))
        lines = self._transaction.children(rows, rows.parent_column, [row["id"]]).get(row["id"], [])
        values[items.api_name] = [self._copies.values(line, _shared(rows, new_rows)) for line in lines]
        return values


def _shared(module: Module, target: Module) -> list[Field]:
    """The fields whose values both modules keep, and callers may write."""
    pairs = [(field, target.fields.get(name)) for name, field in module.fields.items()]
    return [
        field
        for field, other in pairs
        if other is not None
        and other.creatable
        and (other.data_type, other.storage, other.lookup) == (field.data_type, field.storage, field.lookup)
        and field.storage not in {"rows", "id"}
        and field.api_name not in _NOT_COPIED
    ]
