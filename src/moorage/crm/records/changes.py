"""Insert, update, upsert and delete: each record succeeds or fails alone, in the order it was sent.

The second half of a write: it runs inside the writer's transaction, so that nothing changes between a check and what is
written because of it. What can be checked without the store was checked before (`prepare.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

from moorage.crm.events.change_events import ChangeEvents
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.module_formulas import formulas_of
from moorage.crm.records.appended import append_values
from moorage.crm.records.batch import Batch
from moorage.crm.records.currencies import Currencies
from moorage.crm.records.deletion import Deletion
from moorage.crm.records.draft import Draft
from moorage.crm.records.duplicates import UniqueValues, named_or_matching, values_of
from moorage.crm.records.file_fields import FileFields
from moorage.crm.records.initial import initial_values, modification
from moorage.crm.records.links import links_of
from moorage.crm.records.locks import Locks
from moorage.crm.records.modules import rules_of
from moorage.crm.records.modules.rules import PendingRecord
from moorage.crm.records.outcomes import Outcome, failed, record_details, succeeded, upserted
from moorage.crm.records.personal_ids import PersonalIds
from moorage.crm.records.place import Place
from moorage.crm.records.prepare import Prepared, drafts_of, id_of, required
from moorage.crm.records.references import References
from moorage.crm.records.roll_ups import RollUps
from moorage.crm.records.rows import FieldRows, add_up
from moorage.crm.records.stage_history import StageHistory
from moorage.crm.records.tag_names import TagChange
from moorage.crm.records.tags import Tags
from moorage.crm.records.timeline import Timeline
from moorage.crm.records.within import Within
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction


class Change:
    """The changes of one request to one module, by one user.

    With `within`, only these records are there to be changed or deleted. `rows_are_whole` says that an update names all
    the rows a subform is to have, the rows that stay by their ids.
    """

    def __init__(
        self,
        organisation: Organisation,
        module: Module,
        user: int,
        transaction: Transaction,
        unmodified_since: int | None = None,
        *,
        rows_are_whole: bool = False,
        within: Within | None = None,
    ) -> None:
        self._organisation = organisation
        self._catalog = organisation.catalog
        self._module = module
        self._rules = rules_of(module)
        self._user = user
        self._transaction = transaction
        self._roll_ups = RollUps(organisation, transaction)
        self._batch = Batch(transaction, self._roll_ups)
        self._events = ChangeEvents(organisation, module, transaction)
        self._unmodified_since = unmodified_since
        self._within = within
        self._references = References(organisation, self._batch)
        self._rows = FieldRows(organisation, self._batch, user, rows_are_whole=rows_are_whole)
        self._files = FileFields(organisation, transaction, self._batch, user)
        self._links = links_of(module, self._batch)
        self._tags = Tags(organisation, module, transaction, user)
        self._personal = PersonalIds(module, transaction, user)
        self._unique = UniqueValues(organisation, module, self._batch, self._personal)
        self._currencies = Currencies(organisation.catalog, module)
        self._numbers = module.of_type("autonumber")
        self._formulas = formulas_of(module)
        self._locks = Locks(module, transaction, user)
        self._timeline = Timeline(module, transaction, user)
        self._stages = StageHistory(organisation, module, transaction, self._batch, user)

    def insert(self, records: Sequence[Prepared]) -> list[Outcome]:
        self._expect(records)
        return self._each(self._insert, records)

    def update(self, records: Sequence[Prepared]) -> list[Outcome]:
        self._expect(records, [id_of(prepared.record) for prepared in records])
        return self._each(self._update, records)

    def update_one(self, record: int, prepared: Prepared, index: int = 1) -> list[Outcome]:
        """The update of a record that the path names in this segment, whatever id the body has."""
        place = {"resource_path_index": index}
        self._expect([prepared], [record])
        return self._each(
            lambda prepared: self._apply(_update_of(prepared, record), record, place), [prepared]
        )

    def upsert(self, records: Sequence[Prepared], checked: Sequence[Field]) -> list[Outcome]:
        """`checked` are the fields in which duplicates are looked for."""
        self._expect(records, [id_of(prepared.record) for prepared in records])
        for field in checked:
            self._batch.expect_values(self._module, field, values_of(drafts_of(records), field))
        return self._each(lambda prepared: self._upsert(prepared, checked), records)

    def delete(self, ids: Sequence[int]) -> list[Outcome]:
        place = Place(self._organisation, self._module, self._user, self._transaction)
        return Deletion(place, self._within).delete(ids)

    def exists(self, module: Module, record: int) -> bool:
        return self._batch.exists(module, record)

    def _row(self, record: int) -> Row | None:
        """A record that may be changed; None if there is none with this id."""
        row = self._batch.row(self._module, record)
        return None if row is None or (self._within is not None and not self._within.has(row)) else row

    def _each(self, change: Callable[[Prepared], Outcome], records: Sequence[Prepared]) -> list[Outcome]:
        outcomes = []
        for prepared in records:
            try:
                outcomes.append(change(prepared))
            except Fault as fault:
                outcomes.append(failed(fault))
        self._tags.write()
        self._personal.write()
        self._batch.flush()
        self._roll_ups.write()
        self._stages.write()
        self._timeline.write()
        self._events.emit()
        return outcomes

    def _expect(self, records: Sequence[Prepared], ids: Sequence[int | None] = ()) -> None:
        """Tell the batch what the records are going to ask. `ids` are the ids in them, one for each record."""
        known_ids = [record for record in ids if record is not None]
        inserts = sum(prepared.insert is not None for prepared in records)
        self._batch.expect_ids(inserts)
        self._stages.expect(inserts)
        self._batch.expect_rows(self._module, known_ids)
        self._locks.expect(known_ids)
        self._unique.expect(drafts_of(records))
        self._personal.expect(drafts_of(records), known_ids)
        for index, prepared in enumerate(records):
            for draft in prepared.drafts:
                self._references.expect(draft)
                if draft.tags is not None:
                    self._tags.expect(draft.tags)
                self._files.expect(draft)
                self._rows.expect(draft, ids[index] if ids and draft is prepared.update else None)
        self._expect_stored_rows(records, known_ids)
        if self._links is not None:
            self._links.expect(drafts_of(records), known_ids)

    def _expect_stored_rows(self, records: Sequence[Prepared], ids: Sequence[int]) -> None:
        """A new discount or tax of a record changes its totals, which are worked out from all its rows."""
        if any(draft.sent_fields & self._rules.added_up for draft in drafts_of(records)):
            for field in self._module.row_fields:
                self._batch.expect_children(self._catalog.rows_of(field), ids)

    # Insert

    def _insert(self, prepared: Prepared) -> Outcome:
        draft = required(prepared.insert)
        self._rules.check(self._pending(draft, draft.row, {}))
        self._currencies.check(draft, {})
        self._references.resolve(draft)
        self._unique.check(draft, None)
        self._rows.check(draft)
        if self._links is not None:
            self._links.check(draft.row, draft.path)
        files = self._files.merge(draft, {})
        write_tags = self._tags.to_write(draft.tags, {})
        row = self._new_row(draft)
        write_tags(row)
        self._currencies.set_rate(row, {}, draft.sent_fields)
        self._files.write(row["id"], row, files)
        rows = self._rows.new_rows(draft, row["id"])
        pending = self._pending(draft, row, {})
        self._rules.compute(pending)
        add_up(pending, rows)
        self._formulas.work_out(row, self._organisation.zone, self._batch.now)
        self._batch.insert(self._module, row, self._numbers)
        self._rows.insert(rows)
        self._personal.put(row["id"], draft)
        self._events.inserted(row)
        self._stages.inserted(row)
        return succeeded(record_details(self._organisation, self._module, row), "record added", 201)

    def _new_row(self, draft: Draft) -> Row:
        row: Row = {"id": self._batch.new_id(), **self._initial_values}
        return row | {column: value for column, value in draft.row.items() if value is not None}

    @cached_property
    def _initial_values(self) -> Row:
        """The values that every new record of this change begins with."""
        return initial_values(self._module, self._user, self._batch.now)

    def _pending(self, draft: Draft, row: Row, old: Row) -> PendingRecord:
        return PendingRecord(self._module, row, old, draft.sent_fields, draft.path, self._batch.now)

    # Update

    def _update(self, prepared: Prepared) -> Outcome:
        record = id_of(prepared.record)
        draft = _update_of(prepared, record)
        place = {"api_name": "id", "json_path": f"{prepared.path}.id"}
        if prepared.record.get("id") is None:
            raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", place)
        return self._apply(draft, record, place)

    def _apply(self, draft: Draft, record: int | None, place: dict[str, Any]) -> Outcome:
        """Update a record. `place` has the details of the Fault for an unknown id: where the id is in the request."""
        old = self._row(record) if record is not None else None
        if old is None or record is None:
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
        self._locks.refuse(old, place)
        self._refuse_modified(old)
        try:
            self._rules.check(self._pending(draft, old | draft.row, old))
            self._currencies.check(draft, old)
            self._references.resolve(draft, old)
            self._unique.check(draft, record)
            row = old | draft.row
            if self._links is not None:
                self._links.check(row, draft.path)
            append_values(self._module, draft, old, row)
            files = self._files.merge(draft, old)
            write_tags = self._tags.to_write(draft.tags, old)
            merges = self._rows.merge(draft, record)
        except Fault as fault:
            _add_id(fault, record)
            raise
        # Nothing can fail from here on, so nothing of a refused record is ever written.
        self._rows.write(merges)
        self._files.write(record, row, files)
        write_tags(row)
        self._currencies.set_rate(row, old, draft.sent_fields)
        row |= modification(self._module, self._user, self._batch.now)
        pending = self._pending(draft, row, old)
        self._rules.compute(pending)
        if draft.sent_fields & self._rules.added_up:
            add_up(pending, self._rows.stored(self._module, record))
        else:
            add_up(pending, [(merge.module, list(merge.rows.values())) for merge in merges])
        self._formulas.work_out(row, self._organisation.zone, self._batch.now)
        changes = {column: value for column, value in row.items() if value != old.get(column)}
        self._batch.update(self._module, record, changes)
        self._personal.put(record, draft)
        row_fields = [
            field for (field, _), merge in zip(draft.rows, merges, strict=True) if merge.has_changes
        ]
        self._events.updated(record, old, row, changes, row_fields)
        self._timeline.updated(record, old, changes)
        self._stages.updated(old, row)
        return succeeded(record_details(self._organisation, self._module, row), "record updated")

    def _refuse_modified(self, old: Row) -> None:
        modified = self._module.fields.get("Modified_Time")
        since = self._unmodified_since
        if since is None or modified is None or old[modified.column] <= since:
            return
        message = "record updated time has already passed if-unmodified-since time"
        details = record_details(self._organisation, self._module, old)
        raise Fault(412, "ALREADY_MODIFIED", message, details)

    # Upsert

    def _upsert(self, prepared: Prepared, checked: Sequence[Field]) -> Outcome:
        match = named_or_matching(self._batch, self._module, prepared, checked, self._personal)
        if match is None:
            return upserted(self._insert(prepared), "insert", None)
        record, duplicate_field = match
        place = {"api_name": "id", "json_path": f"{prepared.path}.id"}
        outcome = self._apply(_update_of(prepared, record), record, place)
        return upserted(outcome, "update", duplicate_field)

    # Tags

    def tag(
        self, ids: Sequence[int], change: TagChange, unknown: Mapping[str, int] | None = None
    ) -> list[Outcome]:
        """Change the tags of records. `unknown` has the details of the Fault for an id that the path names."""
        self._batch.expect_rows(self._module, ids)
        drafts = {record: Draft("$", tags=change, sent_fields={"Tag"}) for record in ids}
        prepared = [Prepared(record, "$", update=draft) for record, draft in drafts.items()]
        return self._each(lambda each: self._tag(each.record, required(each.update), unknown), prepared)

    def _tag(self, record: int, draft: Draft, unknown: Mapping[str, int] | None) -> Outcome:
        try:
            self._apply(draft, record, dict(unknown or {}))
        except Fault as fault:
            fault.details = fault.details if unknown else {**fault.details, "id": str(record)}
            raise
        row = self._batch.row(self._module, record) or {}
        tags = msgspec.json.decode(row.get(self._module.fields["Tag"].column) or "[]")
        return succeeded({"id": str(record), "tags": tags}, "tags updated successfully")


def _update_of(prepared: Prepared, record: int | None) -> Draft:
    """The draft of an update. Raises the Fault of one that can't be written, with the id of its record."""
    try:
        return required(prepared.update)
    except Fault as fault:
        _add_id(fault, record)
        raise


def _add_id(fault: Fault, record: int | None) -> None:
    """Say which record lacks a mandatory field: Zoho does so for records that exist already."""
    if fault.code == "MANDATORY_NOT_FOUND" and record is not None:
        fault.details["id"] = str(record)
