"""Merges records: the master gets the chosen values and all that belongs to the others, which go to the bin."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.shown import CONVERTED
from moorage.crm.records.changes import Change
from moorage.crm.records.copies import Copies
from moorage.crm.records.file_fields import rows_in
from moorage.crm.records.locks import Locks, locked
from moorage.crm.records.merging.moving import Moving
from moorage.crm.records.merging.request import Chosen, MergeRequest, Part
from moorage.crm.records.outcomes import Outcome, Refused, failed, succeeded
from moorage.crm.records.prepare import updatable
from moorage.crm.records.tag_names import MAX_TAGS
from moorage.crm.records.values import FILE_TYPES
from moorage.crm.storage.contract.organisations import Organisation
from moorage.crm.storage.contract.records import Row, Transaction

_PATH = "$.merge[0]"


class Merging:
    """One merge, by one user, within a transaction."""

    def __init__(
        self, organisation: Organisation, transaction: Transaction, user: int, request: MergeRequest
    ) -> None:
        self._organisation = organisation
        self._transaction = transaction
        self._user = user
        self._request = request
        self._module = organisation.catalog.modules[request.module]
        self._rows = transaction.rows(self._module, request.records)
        self._copies = Copies(organisation, transaction)

    def check(self) -> None:
        """Raise the Fault of a master that can't be merged, and Refused for one of the others."""
        self._check_master()
        try:
            for part in self._request.others:
                self._check_other(part)
        except Fault as fault:
            raise Refused(failed(fault)) from None

    def _check_master(self) -> None:
        master = self._request.master.record
        place = {"resource_path_index": 1}
        if master not in self._rows:
            raise Fault(400, "INVALID_DATA", "Master record id is not available", place)
        self._locks().refuse(self._rows[master], place)
        if self._is_closed(self._rows[master]):
            message = "Only Open Deals can be merged"
            raise Fault(400, "NOT_ALLOWED", message, {"api_name": "record", **place})
        if self._is_converted(self._rows[master]):
            raise Fault(400, "NOT_ALLOWED", _NOT_ALLOWED, place)

    def _check_other(self, part: Part) -> None:
        place = {"api_name": "id", "json_path": f"{part.path}.id"}
        row = self._rows.get(part.record)
        if row is None:
            raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
        locks = self._locks()
        locks.expect([part.record])
        if locks.is_closed(part.record):
            raise locked(place)
        if self._is_closed(row):
            raise Fault(400, "NOT_ALLOWED", "Only Open Deals can be merged", place)
        if self._is_converted(row):
            raise refused(part)
        for chosen in part.fields:
            self._check_stage(chosen, row)

    def _check_stage(self, chosen: Chosen, row: Row) -> None:
        """A stage belongs to a pipeline, so it comes along with another pipeline, and never alone."""
        pipeline = self._module.fields.get("Pipeline")
        if self._module.api_name != "Deals" or chosen.name != "Stage" or pipeline is None:
            return
        if row[pipeline.column] != self._rows[self._request.master.record][pipeline.column]:
            message = "Stage field will be automatically populated based on chosen Pipeline"
            place = {"api_name": "api_name", "json_path": f"{chosen.path}.api_name"}
            raise Fault(400, "NOT_ALLOWED", message, place)

    def _locks(self) -> Locks:
        return Locks(self._module, self._transaction, self._user)

    def _is_closed(self, row: Row) -> bool:
        if self._module.api_name != "Deals":
            return False
        field = self._organisation.metadata.find("field", self._module.fields["Stage"].id)
        options = field.body["pick_list_values"] if field is not None else []
        stage = row[self._module.fields["Stage"].column]
        closed = {each["actual_value"] for each in options if each.get("forecast_type") in _CLOSED}
        return stage in closed

    def _is_converted(self, row: Row) -> bool:
        field = self._module.fields.get(CONVERTED)
        return field is not None and bool(row[field.column])

    def finish(self) -> Outcome:
        """Move what is left, and let the others go. Raises Refused if the master can't have the values."""
        values = self._values()
        moving = Moving(self._organisation, self._transaction, self._module, self._request.master.record)
        moving.move_all(self._request.gone)
        change = Change(self._organisation, self._module, self._user, self._transaction)
        change.delete(self._request.gone)
        master = str(self._request.master.record)
        prepared = updatable(self._organisation.catalog, self._module, {**values, "id": master}, _PATH)
        (outcome,) = Change(self._organisation, self._module, self._user, self._transaction).update(
            [prepared]
        )
        if outcome.status >= 300:
            raise Refused(outcome)
        return succeeded({"id": master}, "The records has been merged successfully", 201)

    def _values(self) -> dict[str, Any]:
        """What the master gets of the others, as a caller would send it."""
        values: dict[str, Any] = {}
        for part in self._request.others:
            for chosen in part.fields:
                field = self._module.fields[chosen.name]
                if field.data_type not in FILE_TYPES:
                    values |= self._value(field, self._rows[part.record])
        files = {
            chosen.name
            for part in (self._request.master, *self._request.others)
            for chosen in part.fields
            if chosen.rows is not None
        }
        values |= {name: self._files(self._module.fields[name]) for name in files}
        return values | self._tags()

    def _value(self, field: Field, row: Row) -> dict[str, Any]:
        if field.storage == "rows":
            return {field.api_name: self._lines(field, row["id"])}
        if field.storage == "lookup" and row[field.column] in self._request.records:
            return {field.api_name: None}  # Nothing points to itself.
        values = {field.api_name: self._copies.value(row, field)}
        if field.api_name == "Pipeline" and self._module.api_name == "Deals":
            values["Stage"] = self._copies.value(row, self._module.fields["Stage"])
        return values

    def _lines(self, field: Field, record: int) -> list[dict[str, Any]]:
        """The rows of one of the others, in the place of the master's."""
        rows = self._organisation.catalog.rows_of(field)
        master = self._request.master.record
        children = self._transaction.children(rows, rows.parent_column, [master, record])
        fields = [each for each in rows.fields.values() if each.creatable and each is not rows.parent_field]
        old = [{"id": str(line["id"]), "_delete": None} for line in children.get(master, [])]
        return old + [self._copies.values(line, fields) for line in children.get(record, [])]

    def _files(self, field: Field) -> list[dict[str, Any]]:
        """Rows of a field for files: which of the master's go, and whose others come."""
        wanted = {
            part.record: set(chosen.rows or ())
            for part in (self._request.master, *self._request.others)
            for chosen in part.fields
            if chosen.name == field.api_name
        }
        master = self._request.master.record
        kept = wanted.get(master, set())
        sent: list[dict[str, Any]] = []
        for record in self._request.records:
            for row in rows_in(self._rows[record], field):
                if record == master and row["id"] not in kept:
                    sent.append({"id": row["id"], "_delete": None})
                elif record != master and row["id"] in wanted.get(record, ()):
                    sent.append({"File_Id__s": row["File_Id__s"]})
        return sent

    def _tags(self) -> dict[str, Any]:
        """The tags of all, as many as a record can have; the master's first."""
        field = self._module.fields.get("Tag")
        if field is None or any(
            chosen.name == "Tag" for part in self._request.others for chosen in part.fields
        ):
            return {}
        names = dict.fromkeys(_tag_names(self._rows, self._request.records, field))
        return {"Tag": [{"name": name} for name in list(names)[:MAX_TAGS]]}


def _tag_names(rows: Mapping[int, Row], records: Sequence[int], field: Field) -> list[str]:
    return [
        tag["name"] for record in records for tag in msgspec.json.decode(rows[record][field.column] or "[]")
    ]


def refused(part: Part) -> Fault:
    """The Fault of a record that can't be merged with others now."""
    return Fault(400, "NOT_ALLOWED", _NOT_ALLOWED, {"api_name": "id", "json_path": f"{part.path}.id"})


def merges(module: Module) -> bool:
    """Whether records of a module can be merged."""
    return module.api_name in _MODULES or module.generated_type == "custom"


_MODULES = frozenset({"Leads", "Contacts", "Accounts", "Deals", "Vendors"})
_CLOSED = frozenset({"Closed Won", "Closed Lost"})
_NOT_ALLOWED = "This record id is not allowed to be merged"
