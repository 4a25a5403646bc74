"""Related lists: which records of other modules a list shows for a record [Z get-related-records].

Most lists show the records whose lookups point to the record. The lists of quotes, orders and invoices of a product
show those that have the product in a line. Others show a standard relation of many records to many.
"""

from typing import TypeAlias

import msgspec

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.relations import RELATIONS, Relation, relation_of
from moorage.crm.query.tree import AllOf, AnyOf, Checked, Compare, Equal, Fragment, Linked, Not
from moorage.crm.storage.contract.organisations import Organisation

HISTORY = "_History"
_CONTACT_ROLES = next(each for each in RELATIONS if each.module_list == "Contact_Roles")


class Through(msgspec.Struct, frozen=True):
    """The records of a list are those to which rows lead by `connected`; a row points to the list's record by `own`."""

    rows: Module
    own: Field
    connected: Field


class Invited(msgspec.Struct, frozen=True):
    """The records of a list are events that have its record among their participants. No index leads there."""

    participants: Field


# Lookups of the records in a list to the record of the list, or rows between both.
Way: TypeAlias = Field | Through | Invited


class RelatedList(msgspec.Struct, frozen=True):
    """A list in the records of the module `parents`, of records of `module`.

    Of activities, a list has either those to come (`open`) or those that took place. None: the list has all records.
    A list of a `relation` has no ways as long as nothing was related.
    """

    name: str
    parents: Module
    module: Module
    ways: tuple[Way, ...]
    open: bool | None = None
    relation: Relation | None = None

    @property
    def links(self) -> Through | None:
        """The links of the relation; None if there are none."""
        way = self.ways[0] if self.relation is not None and self.ways else None
        return way if isinstance(way, Through) else None

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
    relation = relation_of(parents.api_name, name)
    if relation is not None:
        way = _links(organisation.catalog, relation, parents, module)
        return RelatedList(name, parents, module, () if way is None else (way,), relation=relation)
    base, is_open = name, None
    if name == "Invited_Events":
        return RelatedList(name, parents, module, (Invited(module.fields["Participants"]),))
    if module.api_name in _TO_COME:
        base, is_open = name.removesuffix(HISTORY), not name.endswith(HISTORY)
    ways = _ways(organisation.catalog, parents, module, base)
    return RelatedList(name, parents, module, ways, is_open) if ways else None


def _ways(catalog: Catalog, parents: Module, module: Module, name: str) -> tuple[Way, ...]:
    if parents.api_name == "Products" and (lines := _lines(catalog, module)) is not None:
        return (lines,)
    lookups = tuple(module.lookups_of(parents, name))
    if (parents.api_name, name) == ("Contacts", "Deals"):
        # Deals belong to a contact also if it has a role there.
        way = _links(catalog, _CONTACT_ROLES, parents, module)
        return lookups if way is None else (*lookups, way)
    return lookups


def _links(catalog: Catalog, relation: Relation, parents: Module, module: Module) -> Through | None:
    rows = catalog.links_of(relation.key)
    return (
        Through(rows, rows.fields[parents.api_name], rows.fields[module.api_name])
        if rows is not None
        else None
    )


def _lines(catalog: Catalog, module: Module) -> Through | None:
    """The way from a product to the records of a module with line items."""
    for field in module.row_fields:
        rows = catalog.rows_of(field)
        product = rows.fields.get("Product_Name")
        if rows.generated_type == "subform" and product is not None and rows.parent_field is not None:
            return Through(rows, product, rows.parent_field)
    return None


def _leads(way: Way, parent: int) -> Checked:
    match way:
        case Through(rows, own, connected):
            return Linked(rows, own, connected, parent)
        case Invited(participants):
            # Callers write ids as texts or as numbers, and JSON is stored without spaces.
            written = (f'"{parent}"', f"{parent},", f"{parent}}}")
            return AnyOf(
                tuple(Fragment(participants, f'"participant":{text}', "anywhere") for text in written)
            )
        case lookup:
            return Equal(lookup, parent)


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
