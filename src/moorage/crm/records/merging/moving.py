"""What belongs to a record goes over to another one, with which it is merged."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.query.tree import AnyOf, Checked, Equal
from moorage.crm.records import emails
from moorage.crm.records.attachments import MODULE as ATTACHMENTS
from moorage.crm.records.attachments import move as move_attachments
from moorage.crm.records.own_changes import set_values
from moorage.crm.records.stage_history import MODULE as STAGES
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction


class Pointing(msgspec.Struct, frozen=True, eq=False):
    """The records of a module that point to others by a lookup."""

    module: Module
    lookup: Field

    def to(self, records: Sequence[int]) -> Checked:
        return AnyOf(tuple(Equal(self.lookup, record) for record in records))


def pointing_to(catalog: Catalog, target: Module) -> Iterator[Pointing]:
    """All that points to records of the module, but for what is a part of them: rows, links, and past stages."""
    for module in catalog.modules.values():
        if module.is_hidden or module.api_name in {STAGES, ATTACHMENTS}:
            continue
        for field in module.fields.values():
            points = field.storage == "lookup" and target.api_name in (
                field.lookup_modules or (field.lookup,)
            )
            if points and field is not module.parent_field:
                yield Pointing(module, field)


class Moving:
    """Moves what belongs to some records to the record `master` of the same module, within a transaction."""

    def __init__(
        self, organisation: Organisation, transaction: Transaction, target: Module, master: int
    ) -> None:
        self._organisation = organisation
        self._catalog = organisation.catalog
        self._transaction = transaction
        self._target = target
        self._master = master

    def move_all(self, gone: Sequence[int]) -> None:
        for pointing in pointing_to(self._catalog, self._target):
            children = self._transaction.children(pointing.module, pointing.lookup.column, gone)
            self.move(pointing, [row for rows in children.values() for row in rows])
        for links, lookup in self._catalog.relations_of(self._target):
            self._move_links(links, lookup, gone)
        move_attachments(self._transaction, self._catalog, gone, self._target, self._master)
        self._move_emails(gone)

    def move(self, pointing: Pointing, rows: Sequence[Row]) -> None:
        """Let these rows point to the master."""
        module, lookup = pointing.module, pointing.lookup
        if lookup is module.connected_field:
            self._move_links(module, lookup, sorted({row[lookup.column] for row in rows}))
            return
        change: Row = {lookup.column: self._master}
        if lookup.lookup_modules:
            change[lookup.module_column] = self._target.number
        if module.api_name == "Notes":
            change[module.fields["Associated_Id__s"].column] = self._master
        changes = {row["id"]: change for row in rows}
        if module is self._target and self._master in changes:
            changes[self._master] = {lookup.column: None}  # Nothing points to itself.
        set_values(self._organisation, module, self._transaction, changes)

    def _move_links(self, links: Module, lookup: Field, gone: Sequence[int]) -> None:
        """A link goes over, unless the master has one to the same record already."""
        other = links.opposite(lookup)
        assert other is not None
        children = self._transaction.children(links, lookup.column, [self._master, *gone])
        linked = {row[other.column] for row in children.pop(self._master, [])} | {self._master, *gone}
        moved, dropped = {}, []
        for row in (row for rows in children.values() for row in rows):
            if row[other.column] in linked:
                dropped.append(row["id"])
            else:
                linked.add(row[other.column])
                moved[row["id"]] = {lookup.column: self._master}
        self._transaction.update(links, moved)
        self._transaction.drop(links, dropped)

    def _move_emails(self, gone: Sequence[int]) -> None:
        for kind in (emails.KIND, emails.DRAFT):
            of_records = self._transaction.companions.of(kind, gone).values()
            self._transaction.companions.put(
                [replace(companion, owner=self._master) for of_one in of_records for companion in of_one]
            )
