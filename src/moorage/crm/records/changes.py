"""Insert, update, upsert and delete: each record succeeds or fails alone, in the order it was sent.

These run inside the writer's transaction, so what they check can't change before it is written.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import zoned
from moorage.crm.records import computed, rules
from moorage.crm.records.draft import Draft, draft
from moorage.crm.records.references import References
from moorage.crm.records.subforms import Lines
from moorage.crm.records.values import MAX_ITEMS, too_long
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

# What Zoho checks for duplicates on upsert when the caller names no fields; elsewhere it is the display field
# [Z upsert-records].
SYSTEM_DUPLICATE_FIELD = {"Leads": "Email", "Contacts": "Email"}
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
        self._unmodified_since = unmodified_since
        self._references = References(organisation, transaction)
        self._lines = Lines(organisation, transaction, rows_are_whole=rows_are_whole)
        self._unwritten: list[Row] = []
        self._unique = [one for one in module.fields.values() if one.unique]

    def insert(self, records: Sequence[Any]) -> list[Outcome]:
        outcomes = _each(self._insert, records)
        self._write()
        return outcomes

    def update(self, records: Sequence[Any]) -> list[Outcome]:
        return _each(self._update, records)

    def update_one(self, wanted: int, record: Any) -> list[Outcome]:
        """The update of a record that the path names, whatever id the body has."""
        where = {"resource_path_index": 1}

        def change(record: Any, path: str) -> Outcome:
            return self._change(self._changes(record, path, wanted), wanted, where)

        return _each(change, [record])

    def upsert(self, records: Sequence[Any], check: Sequence[Field]) -> list[Outcome]:
        return _each(lambda record, path: self._upsert(record, path, check), records)

    def delete(self, ids: Iterable[int]) -> list[Outcome]:
        return [self._delete(one) for one in ids]

    # Insert

    def _insert(self, record: Any, path: str) -> Outcome:
        made = draft(self._catalog, self._module, record, path, insert=True)
        rules.check(self._module, made, None)
        self._references.resolve(made)
        self._refuse_duplicates(made, None)
        row = self._new_row(made)
        lines = self._lines.new(made, row)
        computed.compute(self._module, row, made.given, {}, self._transaction.now)
        self._lines.add_up(self._module, row, lines)
        self._unwritten.append(row)
        for subform, rows in lines:
            self._transaction.insert(subform, rows)
        return self._success(row, "record added")

    def _write(self) -> None:
        """Insert what waits, together: one statement for many rows is much faster."""
        self._transaction.insert(self._module, self._unwritten)
        self._unwritten.clear()

    def _new_row(self, made: Draft) -> Row:
        now = self._transaction.now
        row: Row = {"id": self._transaction.new_ids(1)[0]}
        for one in self._module.fields.values():
            if one.storage == "boolean":
                row[one.column] = 0
            elif one.api_name in {"Owner", "Created_By", "Modified_By"}:
                row[one.column] = self._user
            elif one.api_name in _SET_AT_BIRTH:
                row[one.column] = now
            elif one.api_name == "Record_Status__s":
                row[one.column] = "Available"
            elif one.data_type == "autonumber":
                row[one.column] = one.numbered(self._transaction.next_number(one))
            elif one.default is not None and one.storage == "text":
                row[one.column] = one.default
        row |= {column: value for column, value in made.row.items() if value is not None}
        self._write_tags(made, row)
        return row

    # Update

    def _update(self, record: Any, path: str) -> Outcome:
        given = record.get("id") if isinstance(record, dict) else None
        wanted = whole_id(given)
        made = self._changes(record, path, wanted)
        where = {"api_name": "id", "json_path": f"{path}.id"}
        if given is None:
            raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", where)
        return self._change(made, wanted, where)

    def _changes(self, record: Any, path: str, wanted: int | None) -> Draft:
        try:
            return draft(self._catalog, self._module, record, path, insert=False)
        except Fault as fault:
            _name(fault, wanted)
            raise

    def _change(self, made: Draft, record: int | None, where: dict[str, Any]) -> Outcome:
        """`where` are the details that say where the id was given, should there be no such record."""
        old = self._transaction.row(self._module, record) if record is not None else None
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
        for name in ("Modified_Time", "Last_Activity_Time", "Change_Log_Time__s"):
            if (one := self._module.fields.get(name)) is not None:
                row[one.column] = self._transaction.now
        if (modifier := self._module.fields.get("Modified_By")) is not None:
            row[modifier.column] = self._user
        computed.compute(self._module, row, made.given, old, self._transaction.now)
        if merges:
            self._lines.add_up(self._module, row, [(one.subform, list(one.rows.values())) for one in merges])
        elif made.given & {"Discount", "Tax", "Adjustment", "Excise_Duty"}:
            self._lines.add_up(self._module, row, self._lines.stored(self._module, record))
        self._transaction.update(self._module, record, {c: v for c, v in row.items() if v != old.get(c)})
        return self._success(row, "record updated")

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
            one = self._module.fields[name]
            if one.storage == "list":
                row[one.column] = _joined(one, f"{made.path}.{name}", old[one.column], row[one.column])

    # Upsert

    def _upsert(self, record: Any, path: str, check: Sequence[Field]) -> Outcome:
        matched = self._match(record, path, check)
        if matched is None:
            outcome, action, name = self._insert(record, path), "insert", None
            self._write()  # The next record may be meant to find this one.
        else:
            found, name = matched
            made = self._changes(record, path, found)
            where = {"api_name": "id", "json_path": f"{path}.id"}
            outcome, action = self._change(made, found, where), "update"
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

    def _match(self, record: Any, path: str, check: Sequence[Field]) -> tuple[int | None, str | None] | None:
        """The record an upsert means: named by its id, or the first that a checked field finds."""
        if not isinstance(record, dict):
            return None
        if record.get("id") is not None:
            return whole_id(record["id"]), None
        made = draft(self._catalog, self._module, record, path, insert=False)
        for one in check:
            value = made.row.get(one.column)
            if value is not None and (found := self._transaction.matching(self._module, one, value)):
                return found[0], one.api_name
        return None

    # Delete

    def _delete(self, record: int) -> Outcome:
        details = {"id": str(record)}
        if self._transaction.recycle(self._module, record, self._user):
            document = {
                "code": "SUCCESS",
                "details": details,
                "message": "record deleted",
                "status": "success",
            }
            return Outcome(document, 200)
        return failed(Fault(400, "INVALID_DATA", "record not deleted", details))

    def _refuse_duplicates(self, made: Draft, own: int | None) -> None:
        if not self._unique:
            return
        self._write()  # An earlier record of this request may hold the value.
        faults = []
        for one in self._unique:
            value = made.row.get(one.column)
            found = [] if value is None else self._transaction.matching(self._module, one, value)
            if others := [record for record in found if record != own]:
                faults.append(self._duplicate(one, made.path, others[0]))
        if len(faults) == 1:
            raise faults[0]
        if faults:
            errors = {"errors": [fault.document() for fault in faults]}
            raise Fault(400, "MULTIPLE_OR_MULTI_ERRORS", "Multiple errors in the request", errors)

    def _duplicate(self, one: Field, path: str, other: int) -> Fault:
        record: dict[str, Any] = {"id": str(other)}
        if (owner := self._module.fields.get("Owner")) is not None:
            row = self._transaction.row(self._module, other) or {}
            record["Owner"] = self._person(row.get(owner.column), "zuid")
        record["module"] = {"api_name": self._module.api_name, "id": str(self._module.id)}
        details = {
            "api_name": one.api_name,
            "json_path": f"{path}.{one.api_name}",
            "id": str(other),
            "duplicate_record": record,
            "more_records": False,
        }
        return Fault(400, "DUPLICATE_DATA", "duplicate data", details)

    def _write_tags(self, made: Draft, row: Row) -> None:
        if made.tags is None:
            return
        tags = [
            {"name": name, "id": str(self._transaction.tag(self._module, name)), "color_code": None}
            for name in made.tags
        ]
        row[self._module.fields["Tag"].column] = msgspec.json.encode(tags).decode() if tags else None

    # Answers

    def _success(self, row: Row, message: str) -> Outcome:
        document = {"code": "SUCCESS", "details": self._details(row), "message": message, "status": "success"}
        return Outcome(document, 201 if message == "record added" else 200)

    def _details(self, row: Row) -> dict[str, Any]:
        details: dict[str, Any] = {}
        for name in ("Modified_Time", "Modified_By", "Created_Time", "id", "Created_By"):
            one = self._module.fields.get(name)
            if one is None:
                continue
            value = row.get(one.column)
            if one.storage == "datetime":
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
    checked = [one for one in module.fields.values() if one.unique or one.api_name == system]
    if not named:
        first = [one for one in checked if one.api_name == system]
    else:
        first = [module.fields[name] for name in dict.fromkeys(named) if module.fields.get(name) in checked]
    return first + [one for one in checked if one.unique and one not in first]


def _each(change: Callable[[Any, str], Outcome], records: Sequence[Any]) -> list[Outcome]:
    outcomes = []
    for index, record in enumerate(records):
        try:
            outcomes.append(change(record, f"$.data[{index}]"))
        except Fault as fault:
            outcomes.append(failed(fault))
    return outcomes


def _joined(one: Field, path: str, old: str | None, new: str | None) -> str | None:
    """Two stored lists as one, each value once. Raises Fault for more than a record can hold."""
    values = list(dict.fromkeys([*msgspec.json.decode(old or "[]"), *msgspec.json.decode(new or "[]")]))
    if len(values) > MAX_ITEMS:
        raise too_long(one, path, MAX_ITEMS)
    return msgspec.json.encode(values).decode() if values else None
