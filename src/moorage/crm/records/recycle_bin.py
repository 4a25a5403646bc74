"""Records come back out of the recycle bin, whole again, or are removed for good [Z recycle-bin]."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.module_formulas import formulas_of
from moorage.crm.query.texts import folded
from moorage.crm.records.attachments import remove_files
from moorage.crm.records.emails import remove_attached
from moorage.crm.records.locks import Locks, locked
from moorage.crm.records.outcomes import Outcome, failed, succeeded
from moorage.crm.records.personal_ids import drop_taken
from moorage.crm.records.roll_ups import RollUps
from moorage.crm.records.stage_history import MODULE as STAGES
from moorage.crm.records.stage_history import drop_histories
from moorage.crm.records.tags import Tags
from moorage.crm.records.timeline import Timeline, forget
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction
from moorage.crm.storage.contract.recycle_bin import BinEntry

_BELONGING = ("Notes", "Attachments")  # What can't be without the record that its `Parent_Id` names.


class Emptying:
    """The records of one request that leave the bin. One that can't leave it stays there."""

    def __init__(self, organisation: Organisation, transaction: Transaction, user: int) -> None:
        self._organisation = organisation
        self._catalog = organisation.catalog
        self._transaction = transaction
        self._user = user
        self._roll_ups = RollUps(organisation, transaction)
        self._faults: dict[int, Fault] = {}

    def restore(self, entries: Sequence[BinEntry]) -> Mapping[int, Outcome]:
        """By record."""
        by_module = self._by_module(entries)
        # A note comes behind the record that it belongs to.
        for module in sorted(by_module, key=lambda module: module.api_name in _BELONGING):
            self._restore(module, by_module[module])
        self._roll_ups.write()
        return self._outcomes(entries, "record restored")

    def remove(self, entries: Sequence[BinEntry]) -> Mapping[int, Outcome]:
        """Remove records for good, with all that belongs to them. By record."""
        for module in self._by_module(entries):
            self._drop_relations(module, [entry.id for entry in self._free(entries)])
        free = self._free(entries)
        records = [entry.id for entry in free]
        gone = [*records, *(row["id"] for _, rows in _children(free) for row in rows)]
        gone += self._drop_notes(records)
        drop_histories(self._transaction, self._catalog.modules[STAGES], records)
        self._transaction.bin.forget(records)
        remove_attached(self._transaction, gone)
        self._transaction.companions.remove_all_of(gone)
        forget(self._transaction, gone)
        remove_files(self._transaction, self._catalog, gone)
        return self._outcomes(entries, "record deleted")

    def _by_module(self, entries: Sequence[BinEntry]) -> Mapping[Module, list[BinEntry]]:
        """Entries whose modules are there. Those that somebody else has locked are refused."""
        by_module: dict[Module, list[BinEntry]] = defaultdict(list)
        for entry in entries:
            if entry.module in self._catalog.by_number:
                by_module[self._catalog.by_number[entry.module]].append(entry)
        for module, all_entries in by_module.items():
            locks = Locks(module, self._transaction, self._user)
            locks.expect(entry.id for entry in all_entries)
            for entry in all_entries:
                if locks.is_closed(entry.id):
                    self._faults[entry.id] = locked({"id": str(entry.id)}, sorry=False)
        return by_module

    def _restore(self, module: Module, entries: Sequence[BinEntry]) -> None:
        if module.api_name in _BELONGING:
            self._refuse_without_parent(module.fields["Parent_Id"], entries)
        for field in module.fields.values():
            if field.unique:
                self._refuse_repeated(module, field, entries)
        free = self._free(entries)
        self._put(module, [entry.body["row"] for entry in free])
        for name, rows in _children(free):
            if name in self._catalog.modules:
                self._put(self._catalog.modules[name], rows)
        self._roll_ups.note_parents(module, [entry.id for entry in free])
        self._transaction.bin.take(entry.id for entry in free)
        users = [user.id for user in self._organisation.metadata.all("user")]
        drop_taken(module, self._transaction, users, {entry.id for entry in free})
        timeline = Timeline(module, self._transaction, self._user)
        timeline.happened("restored", (entry.id for entry in free))
        timeline.write()

    def _put(self, module: Module, rows: Sequence[Row]) -> None:
        """Insert rows, with the values of fields that are younger than them, and their tags as they are now."""
        tags, tag_field = (
            Tags(self._organisation, module, self._transaction, self._user),
            module.fields.get("Tag"),
        )
        younger = {f.column: f.initial for f in module.fields.values() if f.initial is not None}
        whole: list[Row] = [younger | row for row in rows]
        for row in whole:
            if tag_field is not None:
                row[tag_field.column] = tags.as_now(row.get(tag_field.column))
            formulas_of(module).work_out(row, self._organisation.zone, self._transaction.now)
            if module.roll_ups:
                self._roll_ups.note(module, None, row)
        self._transaction.insert(module, whole)

    def _refuse_without_parent(self, lookup: Field, entries: Sequence[BinEntry]) -> None:
        parents: dict[int, set[int]] = defaultdict(set)
        for entry in entries:
            row = entry.body["row"]
            parents[row[lookup.module_column]].add(row[lookup.column])
        there: set[int] = set()
        for number, ids in parents.items():
            if number in self._catalog.by_number:
                there |= self._transaction.existing(self._catalog.by_number[number], ids)
        for entry in entries:
            if entry.body["row"][lookup.column] not in there:
                message = "the record cannot be restored without its parent record"
                self._refuse(entry, "CANNOT_RESTORE_WITHOUT_PARENT", message)

    def _refuse_repeated(self, module: Module, field: Field, entries: Sequence[BinEntry]) -> None:
        """Another record may have got the value of a unique field meanwhile."""
        values = {entry.id: entry.body["row"].get(field.column) for entry in self._free(entries)}
        held = self._transaction.matching(module, field, [v for v in values.values() if v is not None])
        taken = {folded(value): ids[0] for value, ids in held.items() if ids}
        for entry in self._free(entries):
            value = folded(values[entry.id])
            if value in taken:
                place = {"api_name": field.api_name, "duplicate_record": {"id": str(taken[value])}}
                self._refuse(entry, "DUPLICATE_DATA", "duplicate data", place)
            elif value is not None:
                taken[value] = entry.id

    def _drop_notes(self, records: Sequence[int]) -> list[int]:
        """Remove the notes of records; gives their ids."""
        notes = self._catalog.modules["Notes"]
        children = self._transaction.children(notes, notes.fields["Parent_Id"].column, records)
        ids = [row["id"] for rows in children.values() for row in rows]
        self._transaction.drop(notes, ids)
        return ids

    def _drop_relations(self, module: Module, records: Sequence[int]) -> None:
        """Remove the links to records, which stay while these are in the bin."""
        for links, lookup in self._catalog.relations_of(module):
            children = self._transaction.children(links, lookup.column, records)
            self._transaction.drop(links, [row["id"] for rows in children.values() for row in rows])

    def _free(self, entries: Sequence[BinEntry]) -> list[BinEntry]:
        return [entry for entry in entries if entry.id not in self._faults]

    def _refuse(self, entry: BinEntry, code: str, message: str, place: dict[str, Any] | None = None) -> None:
        self._faults[entry.id] = Fault(400, code, message, {"id": str(entry.id), **(place or {})})

    def _outcomes(self, entries: Sequence[BinEntry], message: str) -> Mapping[int, Outcome]:
        return {
            entry.id: failed(self._faults[entry.id])
            if entry.id in self._faults
            else succeeded({"id": str(entry.id)}, message)
            for entry in entries
        }


def _children(entries: Sequence[BinEntry]) -> Iterator[tuple[str, list[Row]]]:
    """The rows of records, by the name of their module."""
    by_name: dict[str, list[Row]] = defaultdict(list)
    for entry in entries:
        for name, rows in entry.body["subforms"].items():
            by_name[name] += rows
    yield from by_name.items()
