"""Insert, update, upsert and delete: each record succeeds or fails alone, in the order it was sent.

The second half of a write: it runs inside the writer's transaction, so what it checks can't change before it is
written. What a record must be by itself was seen before (`prepare.py`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import zoned
from moorage.crm.records import computed, rules
from moorage.crm.records.batch import Batch
from moorage.crm.records.draft import Draft
from moorage.crm.records.prepare import Prepared, required
from moorage.crm.records.references import References
from moorage.crm.records.subforms import Lines
from moorage.crm.records.values import MAX_ITEMS, too_long
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

# What Zoho checks for duplicates on upsert when the caller names no fields; elsewhere it is the display field
# [Z upsert-records].
SYSTEM_DUPLICATE_FIELD = {"Leads": "Email", "Contacts": "Email"}
_OF_TOTALS = frozenset({"Discount", "Tax", "Adjustment", "Excise_Duty"})
_SET_AT_BIRTH = frozenset({"Created_Time", "Modified_Time", "Last_Activity_Time", "Change_Log_Time__s"})


@dataclass(slots=True)
class Outcome:
    """What happened to one record: its element of `data[]`, and the status it would have alone."""

    document: dict[str, Any]
    status: int


def failed(fault: Fault) -> Outcome:
    return Outcome(fault.document(), fault.status)


class Change:
    """The changes of one request to one module, by one user.

    `rows_are_whole` says that an update names all the rows a subform is to have, those that stay by their ids.
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
    ) -> None:
        self._organisation = organisation
        self._catalog = organisation.catalog
        self._module = module
        self._user = user
        self._transaction = transaction
        self._batch = Batch(transaction)
        self._unmodified_since = unmodified_since
        self._references = References(organisation, self._batch)
        self._lines = Lines(organisation, self._batch, rows_are_whole=rows_are_whole)
        self._unique = [field for field in module.fields.values() if field.unique]
        self._numbers = module.of_type("autonumber")

    def insert(self, records: Sequence[Prepared]) -> list[Outcome]:
        self._expect(records)
        return self._each(self._insert, records)

    def update(self, records: Sequence[Prepared]) -> list[Outcome]:
        self._expect(records, [_id_of(prepared.record) for prepared in records])
        return self._each(self._update, records)

    def update_one(self, wanted: int, record: Prepared) -> list[Outcome]:
        """The update of a record that the path names, whatever id the body has."""
        where = {"resource_path_index": 1}
        self._expect([record], [wanted])
        return self._each(lambda one: self._change(self._changes(one, wanted), wanted, where), [record])

    def upsert(self, records: Sequence[Prepared], check: Sequence[Field]) -> list[Outcome]:
        self._expect(records, [_id_of(prepared.record) for prepared in records])
        for field in check:
            self._batch.expect_values(self._module, field, self._values(records, field))
        return self._each(lambda one: self._upsert(one, check), records)

    def delete(self, ids: Sequence[int]) -> list[Outcome]:
        gone = self._transaction.recycle(self._module, ids, self._user)
        return [_deleted(record, was_there=record in gone) for record in ids]

    def _each(self, change: Callable[[Prepared], Outcome], records: Sequence[Prepared]) -> list[Outcome]:
        outcomes = []
        for prepared in records:
            try:
                outcomes.append(change(prepared))
            except Fault as fault:
                outcomes.append(failed(fault))
        self._batch.flush()
        return outcomes

    def _expect(self, records: Sequence[Prepared], ids: Sequence[int | None] = ()) -> None:
        """Say what the records are going to ask, so that it is asked for once. `ids` are those they name."""
        known = [record for record in ids if record is not None]
        self._batch.expect_ids(sum(prepared.insert is not None for prepared in records))
        self._batch.expect_rows(self._module, known)
        for field in self._unique:
            self._batch.expect_values(self._module, field, self._values(records, field))
        for place, prepared in enumerate(records):
            for made in prepared.drafts:
                self._references.expect(made)
                self._lines.expect(made, ids[place] if ids and made is prepared.update else None)
                self._batch.expect_tags(self._module, made.tags or ())
        self._expect_stored_lines(records, known)

    def _expect_stored_lines(self, records: Sequence[Prepared], known: Sequence[int]) -> None:
        """What a record's own discount or tax changes is the total of all its lines."""
        if any(made.given & _OF_TOTALS for prepared in records for made in prepared.drafts):
            for field in self._module.of_type("subform"):
                self._batch.expect_children(self._catalog.modules[field.subform or ""], known)

    def _values(self, records: Sequence[Prepared], field: Field) -> list[Any]:
        values = [made.row.get(field.column) for prepared in records for made in prepared.drafts]
        return [value for value in values if value is not None]

    # Insert

    def _insert(self, prepared: Prepared) -> Outcome:
        made = required(prepared.insert)
        rules.check(self._module, made, None)
        self._references.resolve(made)
        self._refuse_duplicates(made, None)
        row = self._new_row(made)
        lines = self._lines.new(made, row)
        computed.compute(self._module, row, made.given, {}, self._batch.now)
        self._lines.add_up(self._module, row, lines)
        self._batch.insert(self._module, row, self._numbers)
        self._lines.insert(lines)
        return self._success(row, "record added", 201)

    def _new_row(self, made: Draft) -> Row:
        now = self._batch.now
        row: Row = {"id": self._batch.new_id()}
        for field in self._module.fields.values():
            if field.storage == "boolean":
                row[field.column] = 0
            elif field.api_name in {"Owner", "Created_By", "Modified_By"}:
                row[field.column] = self._user
            elif field.api_name in _SET_AT_BIRTH:
                row[field.column] = now
            elif field.api_name == "Record_Status__s":
                row[field.column] = "Available"
            elif field.default is not None and field.storage == "text":
                row[field.column] = field.default
        row |= {column: value for column, value in made.row.items() if value is not None}
        self._write_tags(made, row)
        return row

    # Update

    def _update(self, prepared: Prepared) -> Outcome:
        wanted = _id_of(prepared.record)
        made = self._changes(prepared, wanted)
        where = {"api_name": "id", "json_path": f"{prepared.path}.id"}
        if prepared.record.get("id") is None:
            raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", where)
        return self._change(made, wanted, where)

    def _changes(self, prepared: Prepared, wanted: int | None) -> Draft:
        try:
            return required(prepared.update)
        except Fault as fault:
            _name(fault, wanted)
            raise

    def _change(self, made: Draft, record: int | None, where: dict[str, Any]) -> Outcome:
        """`where` are the details that say where the id was given, should there be no such record."""
        old = self._batch.row(self._module, record) if record is not None else None
        if old is None or record is None:
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", where)
        self._refuse_modified(old)
        try:
            rules.check(self._module, made, old)
            self._references.resolve(made, old)
            self._refuse_duplicates(made, record)
            row = old | made.row
            self._append_values(made, old, row)
            merges = self._lines.merge(made, row)
        except Fault as fault:
            _name(fault, record)
            raise
        # Nothing can fail from here on, so nothing of a refused record is ever written.
        self._lines.write(merges)
        self._write_tags(made, row)
        self._note_modification(row)
        computed.compute(self._module, row, made.given, old, self._batch.now)
        if merges:
            lines = [(merge.subform, list(merge.rows.values())) for merge in merges]
            self._lines.add_up(self._module, row, lines)
        elif made.given & _OF_TOTALS:
            self._lines.add_up(self._module, row, self._lines.stored(self._module, record))
        changes = {column: value for column, value in row.items() if value != old.get(column)}
        self._batch.update(self._module, record, changes)
        return self._success(row, "record updated", 200)

    def _note_modification(self, row: Row) -> None:
        for name in ("Modified_Time", "Last_Activity_Time", "Change_Log_Time__s"):
            if (field := self._module.fields.get(name)) is not None:
                row[field.column] = self._batch.now
        if (modifier := self._module.fields.get("Modified_By")) is not None:
            row[modifier.column] = self._user

    def _refuse_modified(self, old: Row) -> None:
        changed = self._module.fields.get("Modified_Time")
        if self._unmodified_since is None or changed is None or old[changed.column] <= self._unmodified_since:
            return
        raise Fault(
            412,
            "ALREADY_MODIFIED",
            "record updated time has already passed if-unmodified-since time",
            self._details(old),
        )

    def _append_values(self, made: Draft, old: Row, row: Row) -> None:
        for name in made.appended & made.given:
            field = self._module.fields[name]
            if field.storage == "list":
                path = f"{made.path}.{name}"
                row[field.column] = _joined(field, path, old[field.column], row[field.column])

    # Upsert

    def _upsert(self, prepared: Prepared, check: Sequence[Field]) -> Outcome:
        matched = self._match(prepared, check)
        if matched is None:
            outcome, action, name = self._insert(prepared), "insert", None
        else:
            wanted, name = matched
            made = self._changes(prepared, wanted)
            where = {"api_name": "id", "json_path": f"{prepared.path}.id"}
            outcome, action = self._change(made, wanted, where), "update"
        document = outcome.document
        return Outcome(
            {
                "code": document["code"],
                "duplicate_field": name,
                "action": action,
                "details": document["details"],
                "message": document["message"],
                "status": document["status"],
            },
            200,
        )

    def _match(self, prepared: Prepared, check: Sequence[Field]) -> tuple[int | None, str | None] | None:
        """The record an upsert means: named by its id, or the first that a checked field finds."""
        record = prepared.record
        if not isinstance(record, dict):
            return None
        if record.get("id") is not None:
            return whole_id(record["id"]), None
        made = required(prepared.update)
        for field in check:
            value = made.row.get(field.column)
            if value is not None and (matching := self._batch.matching(self._module, field, value)):
                return matching[0], field.api_name
        return None

    def _refuse_duplicates(self, made: Draft, own: int | None) -> None:
        faults = []
        for field in self._unique:
            value = made.row.get(field.column)
            matching = [] if value is None else self._batch.matching(self._module, field, value)
            if others := [record for record in matching if record != own]:
                faults.append(self._duplicate(field, made.path, others[0]))
        if len(faults) == 1:
            raise faults[0]
        if faults:
            errors = {"errors": [fault.document() for fault in faults]}
            raise Fault(400, "MULTIPLE_OR_MULTI_ERRORS", "Multiple errors in the request", errors)

    def _duplicate(self, field: Field, path: str, other: int) -> Fault:
        record: dict[str, Any] = {"id": str(other)}
        if (owner := self._module.fields.get("Owner")) is not None:
            row = self._batch.row(self._module, other) or {}
            record["Owner"] = self._person(row.get(owner.column), "zuid")
        record["module"] = {"api_name": self._module.api_name, "id": str(self._module.id)}
        details = {
            "api_name": field.api_name,
            "json_path": f"{path}.{field.api_name}",
            "id": str(other),
            "duplicate_record": record,
            "more_records": False,
        }
        return Fault(400, "DUPLICATE_DATA", "duplicate data", details)

    def _write_tags(self, made: Draft, row: Row) -> None:
        if made.tags is None:
            return
        tags = [
            {"name": name, "id": str(self._batch.tag(self._module, name)), "color_code": None}
            for name in made.tags
        ]
        row[self._module.fields["Tag"].column] = msgspec.json.encode(tags).decode() if tags else None

    # Answers

    def _success(self, row: Row, message: str, status: int) -> Outcome:
        document = {"code": "SUCCESS", "details": self._details(row), "message": message, "status": "success"}
        return Outcome(document, status)

    def _details(self, row: Row) -> dict[str, Any]:
        details: dict[str, Any] = {}
        for name in ("Modified_Time", "Modified_By", "Created_Time", "id", "Created_By"):
            field = self._module.fields.get(name)
            if field is None:
                continue
            value = row.get(field.column)
            if field.storage == "datetime":
                details[name] = zoned(self._organisation.zone, value)
            else:
                details[name] = str(value) if name == "id" else self._person(value)
        return details

    def _person(self, user: int | None, *more: str) -> dict[str, str] | None:
        """Name and id of a user, and more of what is known of them."""
        document = self._organisation.metadata.find("user", user) if user is not None else None
        if document is None:
            return None
        shown = {"name": document.body["full_name"], "id": str(document.id)}
        return shown | {key: document.body[key] for key in more}


def _id_of(record: Any) -> int | None:
    return whole_id(record.get("id")) if isinstance(record, dict) else None


def _deleted(record: int, *, was_there: bool) -> Outcome:
    details = {"id": str(record)}
    if not was_there:
        return failed(Fault(400, "INVALID_DATA", "record not deleted", details))
    document = {"code": "SUCCESS", "details": details, "message": "record deleted", "status": "success"}
    return Outcome(document, 200)


def _name(fault: Fault, record: int | None) -> None:
    """Tell of a missing field which record lacks it: Zoho does so for those that are there already."""
    if fault.code == "MANDATORY_NOT_FOUND" and record is not None:
        fault.details["id"] = str(record)


def duplicate_checks(module: Module, named: Sequence[str] | None) -> list[Field]:
    """The fields an upsert looks for duplicates in, in order: those named, or the system's; then the unique ones.

    Named fields that are neither have no effect, as at Zoho: integrations name `Phone` without it being unique
    [Z observed].
    """
    system = SYSTEM_DUPLICATE_FIELD.get(module.api_name, module.display_name or "Name")
    checked = [field for field in module.fields.values() if field.unique or field.api_name == system]
    if not named:
        first = [field for field in checked if field.api_name == system]
    else:
        first = [module.fields[name] for name in dict.fromkeys(named) if module.fields.get(name) in checked]
    return first + [field for field in checked if field.unique and field not in first]


def _joined(field: Field, path: str, old: str | None, new: str | None) -> str | None:
    """Two stored lists as one, each value once. Raises Fault for more than a record can hold."""
    values = list(dict.fromkeys([*msgspec.json.decode(old or "[]"), *msgspec.json.decode(new or "[]")]))
    if len(values) > MAX_ITEMS:
        raise too_long(field, path, MAX_ITEMS)
    return msgspec.json.encode(values).decode() if values else None
