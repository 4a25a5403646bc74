"""What is done with many records at once: values, owners, and deletion [Z mass-update], [Z change-owner].

The same for up to 500 ids of a request, and for the records of a view, which a job takes a hundred at a time.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.records.changes import Change
from moorage.crm.records.outcomes import Outcome, failed, succeeded
from moorage.crm.records.place import Place
from moorage.crm.records.prepare import updatable

_PATH = "$.data[0]"


def update_records(
    place: Place, records: Sequence[int], values: Mapping[str, Any], *, overwrites: bool = True
) -> list[Outcome]:
    """Unless it overwrites, records that have a value already keep it."""
    catalog, skipped = place.organisation.catalog, set[int]()
    if not overwrites:
        columns = [place.module.fields[name].column for name in values]
        rows = place.transaction.rows(place.module, records)
        skipped = {record for record, row in rows.items() if any(row[c] not in (None, 0) for c in columns)}
    prepared = [
        updatable(catalog, place.module, {**values, "id": str(record)}, _PATH)
        for record in records
        if record not in skipped
    ]
    outcomes = iter(_change(place).update(prepared))
    return [
        succeeded({"id": str(record)}, UNCHANGED) if record in skipped else _of(record, next(outcomes))
        for record in records
    ]


UNCHANGED = "record not updated"  # The message of a record that has a value already.


def delete_records(place: Place, records: Sequence[int]) -> list[Outcome]:
    outcomes = _change(place).delete(records)
    for outcome in outcomes:
        if outcome.status < 300:
            outcome.document["message"] = "record is deleted"
    return outcomes


def change_owners(
    place: Place, records: Sequence[int], owner: int, related: Sequence[Module] = ()
) -> list[Outcome]:
    """The records of related modules that point to these, and had the same owner, go along."""
    owners = _owners(place, records) if related else {}
    outcomes = _give(place, place.module, records, owner)
    given = [record for record, outcome in zip(records, outcomes, strict=True) if outcome.status < 300]
    for module in related:
        _give(place, module, _related_records(place, module, given, owners), owner)
    return outcomes


def _change(place: Place, module: Module | None = None) -> Change:
    return Change(place.organisation, module or place.module, place.user, place.transaction)


def _give(place: Place, module: Module, records: Sequence[int], owner: int) -> list[Outcome]:
    values = {"Owner": {"id": str(owner)}}
    catalog = place.organisation.catalog
    prepared = [updatable(catalog, module, {**values, "id": str(record)}, _PATH) for record in records]
    outcomes = _change(place, module).update(prepared)
    return [
        succeeded({"id": str(record)}, "owner is successfully updated")
        if outcome.status < 300
        else _of(record, outcome)
        for record, outcome in zip(records, outcomes, strict=True)
    ]


def _owners(place: Place, records: Sequence[int]) -> dict[int, int]:
    column = place.module.fields["Owner"].column
    return {record: row[column] for record, row in place.transaction.rows(place.module, records).items()}


def _related_records(
    place: Place, module: Module, records: Sequence[int], owners: Mapping[int, int]
) -> list[int]:
    pointing: dict[int, None] = defaultdict()
    column = module.fields["Owner"].column
    for lookup in lookups_to(place.module, module):
        for record, rows in place.transaction.children(module, lookup.column, records).items():
            pointing |= {row["id"]: None for row in rows if row[column] == owners.get(record)}
    return list(pointing)


def lookups_to(module: Module, related: Module) -> list[Field]:
    """The lookups by which records of a related module point to those of a module."""
    return [
        field
        for field in related.fields.values()
        if field.storage == "lookup" and module.api_name in (field.lookup_modules or (field.lookup,))
    ]


def _of(record: int, outcome: Outcome) -> Outcome:
    """An outcome whose details name the record, if it failed."""
    document = outcome.document
    if outcome.status < 300:
        return outcome
    details = document["details"]
    is_unknown = details.get("json_path") == f"{_PATH}.id"
    kept = {} if is_unknown else details
    if is_unknown and "action" in details:
        kept = {"action": details["action"]}
    return failed(Fault(outcome.status, document["code"], document["message"], {**kept, "id": str(record)}))
