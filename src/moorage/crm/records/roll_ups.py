"""The values of roll-up fields, brought up to date with the records that they are worked out of.

They are kept in columns, so that lists, searches and orders treat them as any other field. Whatever inserts, changes or
removes records notes them here; at the end of the request, the records that they point or pointed to get new values.
All of a request is asked together, and written together. A parent's Modified_Time stays as it is.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from weakref import WeakKeyDictionary
from zoneinfo import ZoneInfo

import msgspec

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.metadata.roll_ups import RollUp
from moorage.crm.query.compare import Context
from moorage.crm.query.lasting_criteria import fields_of, lasting_conditions
from moorage.crm.storage.contract.aggregates import Aggregate
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

_ANY_TIME = datetime.fromtimestamp(0, UTC)  # No criteria of a roll-up depend on the time, or on the user.


class RolledUp(msgspec.Struct, frozen=True, eq=False):
    """The roll-up fields of one module over records that point to its own by one lookup: these are asked together.

    `columns` are those of the records that the values depend on.
    """

    parents: Module
    lookup: Field
    fields: tuple[Field, ...]
    aggregates: tuple[Aggregate, ...]
    columns: frozenset[str]

    def is_changed(self, old: Row, new: Row) -> bool:
        return any(old.get(column) != new.get(column) for column in self.columns)

    def parent_of(self, row: Row) -> int | None:
        """The record that a row points to, if it is one of the parents' module."""
        if self.lookup.lookup_modules and row.get(self.lookup.module_column) != self.parents.number:
            return None
        parent: int | None = row.get(self.lookup.column)
        return parent


class RollUps:
    """The roll-up fields that one request has to bring up to date."""

    def __init__(self, organisation: Organisation, transaction: Transaction) -> None:
        self._organisation = organisation
        self._transaction = transaction
        # By the module that is rolled up, the records that each group has to be worked out for.
        self._parents: dict[Module, dict[RolledUp, set[int]]] = {}

    def note(self, module: Module, old: Row | None, new: Row | None) -> None:
        """Note that a record of a module with roll-ups is inserted (no `old`), changed, or removed (no `new`)."""
        groups = self._parents.get(module)
        if groups is None:
            groups = self._parents[module] = {group: set() for group in _groups(self._organisation, module)}
        for group, parents in groups.items():
            if old is not None and new is not None and not group.is_changed(old, new):
                continue
            for row in (old, new):
                parent = None if row is None else group.parent_of(row)
                if parent is not None:
                    parents.add(parent)

    def note_parents(self, module: Module, records: Sequence[int]) -> None:
        """Note records whose own roll-ups may be out of date."""
        for children in self._organisation.catalog.modules.values():
            if any(parents is module for parents, _ in children.roll_ups):
                self.note(children, None, None)
                for group, parents in self._parents[children].items():
                    if group.parents is module:
                        parents.update(records)

    def note_removed(self, module: Module, records: Sequence[int]) -> None:
        """Note that records are about to be removed."""
        if module.roll_ups:
            for row in self._transaction.rows(module, records).values():
                self.note(module, row, None)

    def write(self) -> None:
        """Bring up to date what was noted. All changes of the records have to be written."""
        if not self._parents:
            return
        changes: dict[Module, dict[int, Row]] = defaultdict(dict)
        for module, groups in self._parents.items():
            for group, parents in groups.items():
                if parents:
                    for parent, row in self._values(module, group, parents).items():
                        changes[group.parents].setdefault(parent, {}).update(row)
        for module, rows in changes.items():
            self._transaction.update(module, rows)
        self._parents.clear()

    def _values(self, module: Module, group: RolledUp, parents: set[int]) -> dict[int, Row]:
        values = self._transaction.aggregates(module, group.lookup, group.aggregates, sorted(parents))
        initial = [field.initial for field in group.fields]
        columns = [field.column for field in group.fields]
        return {parent: dict(zip(columns, values.get(parent, initial), strict=True)) for parent in parents}


def aggregate_of(
    roll_up: RollUp, places: int | None, module: Module, catalog: Catalog, zone: ZoneInfo
) -> Aggregate:
    """What a roll-up field asks of the records of `module`. `places` are the field's decimals."""
    context = Context(zone=zone, now=_ANY_TIME, user=0, catalog=catalog)
    criteria = lasting_conditions(roll_up.criteria, module, context)
    source = module.fields[roll_up.field] if roll_up.field is not None else None
    return Aggregate(roll_up.function, source, criteria, places or 0)


# Worked out once for each organisation that is opened: with other metadata it is another one.
_GROUPS = WeakKeyDictionary[Organisation, dict[Module, tuple[RolledUp, ...]]]()


def _groups(organisation: Organisation, module: Module) -> tuple[RolledUp, ...]:
    of_modules = _GROUPS.setdefault(organisation, {})
    groups = of_modules.get(module)
    if groups is None:
        by_lookup: dict[tuple[Module, Field], list[Field]] = defaultdict(list)
        for parents, field in module.roll_ups:
            assert field.roll_up is not None
            (lookup,) = module.lookups_of(parents, field.roll_up.related_list)
            by_lookup[parents, lookup].append(field)
        groups = tuple(
            _group(organisation, module, parents, lookup, fields)
            for (parents, lookup), fields in by_lookup.items()
        )
        of_modules[module] = groups
    return groups


def _group(
    organisation: Organisation, module: Module, parents: Module, lookup: Field, fields: Sequence[Field]
) -> RolledUp:
    aggregates, columns = [], {lookup.column}
    if lookup.lookup_modules:
        columns.add(lookup.module_column)
    for field in fields:
        assert field.roll_up is not None
        names = fields_of(field.roll_up.criteria) | ({field.roll_up.field} if field.roll_up.field else set())
        columns |= {module.fields[name].column for name in names}
        aggregates.append(
            aggregate_of(field.roll_up, field.decimal_place, module, organisation.catalog, organisation.zone)
        )
    return RolledUp(parents, lookup, tuple(fields), tuple(aggregates), frozenset(columns))
