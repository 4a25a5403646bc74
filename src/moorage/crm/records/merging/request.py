"""What a caller wants of a merge: which records go, and which values of theirs stay [Z merge-records]."""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.values import FILE_TYPES

MOST = 2  # Records that can go at once.
_MOST_FIELDS = 500
_LONGEST_NAME = 100

_OF_STAGE = "Probability and Expected Revenue fields will be automatically populated based on chosen Stage"
_OF_DEALS = {
    "Closing_Date": "Closing date will be automatically populated based on master record",
    "Probability": _OF_STAGE,
    "Expected_Revenue": _OF_STAGE,
}


class Chosen(Struct, frozen=True):
    """A field that a record gives, by its API name. Of a field for files, the ids of the rows that stay."""

    name: str
    path: str
    rows: list[str] | None = None


class Part(Struct, frozen=True):
    """A record of a merge, and what it gives. The master has the path of its fields."""

    record: int
    path: str
    fields: list[Chosen]


class MergeRequest(Struct, frozen=True):
    module: str
    master: Part
    others: list[Part]

    @property
    def records(self) -> list[int]:
        return [self.master.record, *self.gone]

    @property
    def gone(self) -> list[int]:
        return [part.record for part in self.others]


def read_merge(module: Module, master: int, spec: JsonObject) -> MergeRequest:
    """Raises the Fault of what can't be merged, whatever the records are."""
    own = Part(master, f"{spec.path}.master_record_fields", list(_master_fields(module, spec)))
    others = [_part(module, item) for item in _data(spec)]
    request = MergeRequest(module.api_name, own, others)
    known = [master]
    for part in others:
        if part.record in known:
            raise _fault("DUPLICATE_DATA", "Valid record ids need to be given for merging", "id", part.path)
        known.append(part.record)
    _refuse_repeats(module, [own, *others])
    for part in others:
        _refuse_reporting_alone(part)
    return request


def _data(spec: JsonObject) -> list[JsonObject]:
    data = spec.raw("data")
    if isinstance(data, list) and len(data) > MOST:
        message = " More than 2 child record ids cannot be merged."
        raise spec.fault("INVALID_DATA", message, "data", maximum_length=MOST)
    items = spec.items("data", MOST) if data is not None else []
    if not items:
        message = " Atleast one child record id is required to be merged."
        raise spec.fault("INVALID_DATA", message, "data", minimum_length=1)
    return items


def _part(module: Module, item: JsonObject) -> Part:
    if "id" not in item:
        raise item.fault("MANDATORY_NOT_FOUND", "required id not found", "id")
    record = whole_id(item.raw("id"))
    if record is None:
        raise item.fault("INVALID_DATA", "the id given seems to be invalid", "id")
    texts = "API name of the field is not mentioned", "_data array is not mentioned for the child record"
    fields = [_chosen(module, field, *texts) for field in item.items("_fields", _MOST_FIELDS)]
    return Part(record, item.path, fields)


def _master_fields(module: Module, spec: JsonObject) -> Iterator[Chosen]:
    texts = (
        "API name not mentioned for the master record",
        "_data array is not mentioned for the master record",
    )
    if "master_record_fields" in spec:
        for item in spec.items("master_record_fields", _MOST_FIELDS):
            yield _chosen(module, item, *texts)


def _chosen(module: Module, item: JsonObject, nameless: str, without_rows: str) -> Chosen:
    name = item.text("api_name", _LONGEST_NAME)
    if name is None:
        raise item.fault("MANDATORY_NOT_FOUND", nameless, "api_name")
    field = module.fields.get(name)
    if module.api_name == "Deals" and name in _OF_DEALS:
        raise item.fault("NOT_ALLOWED", _OF_DEALS[name], "api_name")
    if field is None or not field.updatable or field.storage == "personal":
        raise item.invalid("api_name")
    if field.data_type not in FILE_TYPES:
        return Chosen(name, item.path)
    if not item.has_member("_data"):
        dependee = item.place("api_name")
        details = {"api_name": "id", "json_path": f"{item.path}._data", "dependee": dependee}
        raise Fault(400, "DEPENDENT_FIELD_MISSING", without_rows, details)
    return Chosen(name, item.path, list(_rows(item, field)))


def _rows(item: JsonObject, field: Field) -> Iterator[str]:
    if "_data" not in item:
        return
    for row in item.items("_data", field.length or _MOST_FIELDS):
        if row.raw("id") is not None:
            yield str(row.raw("id"))


def _refuse_repeats(module: Module, parts: list[Part]) -> None:
    """A value can come from one record only, but for files: a field can have some of each."""
    known: set[str] = set()
    for part in parts:
        own: set[str] = set()
        for chosen in part.fields:
            several = module.fields[chosen.name].data_type in FILE_TYPES
            if chosen.name in (own if several else known):
                message = "When one field is mentioned more than once"
                raise _fault("DUPLICATE_DATA", message, "api_name", chosen.path)
            own.add(chosen.name)
            known.add(chosen.name)


def _refuse_reporting_alone(part: Part) -> None:
    """Whom a contact reports to is somebody of the same account."""
    names = {chosen.name: chosen for chosen in part.fields}
    if "Reporting_To" in names and "Account_Name" not in names:
        message = "Reporting to and account should belong to the same record"
        raise _fault("INVALID_DATA", message, "api_name", names["Reporting_To"].path)


def _fault(code: str, message: str, name: str, path: str, **details: Any) -> Fault:
    return Fault(400, code, message, {**details, "api_name": name, "json_path": f"{path}.{name}"})
