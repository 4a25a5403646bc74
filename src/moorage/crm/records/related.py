"""Related lists: which records of other modules a list shows for a record [Z get-related-records].

Most lists show the records whose lookups point to the record. The lists of quotes, orders and invoices of a product
show those that have the product in a line.
"""

from dataclasses import dataclass
from typing import TypeAlias

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.query.tree import AllOf, AnyOf, Checked, Compare, Equal, Linked, Not
from moorage.crm.storage.contract.organisations import Organisation

HISTORY = "_History"


@dataclass(frozen=True, slots=True)
class Through:
    """The records of a list are those to which rows lead by `connected`; a row points to the list's record by `own`."""

    rows: Module
    own: Field
    connected: Field


# Lookups of the records in a list to the record of the list, or rows between both.
Ways: TypeAlias = tuple[Field | Through, ...]


@dataclass(frozen=True, slots=True)
class RelatedList:
    """A list in the records of the module `parents`, of records of `module`.

    Of activities, a list has either those to come (`open`) or those that took place. None: the list has all records.
    """

    name: str
    parents: Module
    module: Module
    ways: Ways
    open: bool | None = None

    def condition(self, parent: int, now: int) -> Checked:
        """Which records are in the list of a record. `now` is in seconds since the epoch.

        Only the id of the record is compared, also by lookups into several modules: no id is of two modules.
        """
        parts = tuple(_leads(way, parent) for way in self.ways)
        related = parts[0] if len(parts) == 1 else AnyOf(parts)
        if self.open is None:
            return related
        to_come = _to_come(self.module, now)
        return AllOf((related, to_come if self.open else Not(to_come)))


def related_list(organisation: Organisation, parents: Module, name: str) -> RelatedList | None:
    """The list of this name; None if there is none, or none that shows records."""
    lists = organisation.metadata.all("related_list", parents.id)
    document = next((each for each in lists if each.name == name), None)
    target = document.body["module"] if document is not None else None
    module = organisation.catalog.modules.get(target["api_name"]) if target else None
    if module is None:
        return None
    base, is_open = name, None
    if module.api_name in _TO_COME:
        base, is_open = name.removesuffix(HISTORY), not name.endswith(HISTORY)
    ways = _ways(organisation.catalog, parents, module, base)
    return RelatedList(name, parents, module, ways, is_open) if ways else None


def _ways(catalog: Catalog, parents: Module, module: Module, name: str) -> Ways:
    if parents.api_name == "Products" and (lines := _lines(catalog, module)) is not None:
        return (lines,)
    return tuple(module.lookups_of(parents, name))


def _lines(catalog: Catalog, module: Module) -> Through | None:
    """The way from a product to the records of a module with line items."""
    for field in module.row_fields:
        rows = catalog.rows_of(field)
        product = rows.fields.get("Product_Name")
        if rows.generated_type == "subform" and product is not None and rows.parent_field is not None:
            return Through(rows, product, rows.parent_field)
    return None


def _leads(way: Field | Through, parent: int) -> Checked:
    if isinstance(way, Through):
        return Linked(way.rows, way.own, way.connected, parent)
    return Equal(way, parent)


def _tasks_to_come(tasks: Module, _now: int) -> Checked:
    return Not(Equal(tasks.fields["Status"], "Completed"))


def _events_to_come(events: Module, now: int) -> Checked:
    return Compare(events.fields["End_DateTime"], ">=", now)


def _calls_to_come(calls: Module, _now: int) -> Checked:
    status = calls.fields["Outgoing_Call_Status"]
    return AnyOf((Equal(status, "Scheduled"), Equal(status, "Overdue")))


_TO_COME = {"Tasks": _tasks_to_come, "Events": _events_to_come, "Calls": _calls_to_come}


def _to_come(module: Module, now: int) -> Checked:
    return _TO_COME[module.api_name](module, now)
