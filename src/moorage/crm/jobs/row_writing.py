"""The rows of a bulk write become records, each by itself, and each with what became of it."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.jobs.write_model import Operation, RowResult
from moorage.crm.metadata.catalog import Catalog, Field, Module
from moorage.crm.query.texts import folded
from moorage.crm.records.changes import Change
from moorage.crm.records.outcomes import Outcome, failed
from moorage.crm.records.prepare import Prepared, to_insert, to_update, to_upsert
from moorage.crm.storage.contract.records import Transaction

_PREPARE = {"insert": to_insert, "update": to_update, "upsert": to_upsert}


def prepare(
    catalog: Catalog, module: Module, operation: Operation, records: Sequence[dict[str, Any]]
) -> list[Prepared]:
    """The first half, which needs no transaction."""
    return _PREPARE[operation](catalog, module, records)


def write_rows(
    change: Change,
    transaction: Transaction,
    module: Module,
    operation: Operation,
    find_by: Field | None,
    prepared: Sequence[Prepared],
) -> list[RowResult]:
    """The second half. `find_by` is the field by which rows find their records; None is for the id."""
    if operation == "upsert":
        return _results(change.upsert(prepared, [] if find_by is None else [find_by]))
    if find_by is None:
        return _results(change.insert(prepared) if operation == "insert" else change.update(prepared))
    stored = _stored(transaction, module, find_by, prepared)
    if operation == "insert":
        return _results(
            _chosen(prepared, _are_new(stored, find_by, prepared), change.insert, _duplicate(find_by))
        )
    for each in prepared:
        if ids := stored.get(_value(each, find_by)):
            each.record["id"] = str(ids[0])
    are_known = [each.record.get("id") is not None for each in prepared]
    return _results(_chosen(prepared, are_known, change.update, _unknown(find_by)))


def _stored(
    transaction: Transaction, module: Module, field: Field, prepared: Sequence[Prepared]
) -> dict[Any, list[int]]:
    """By value, regardless of the case of text, the records that have it."""
    values = [draft.row.get(field.column) for each in prepared for draft in each.drafts]
    matching = transaction.matching(module, field, [value for value in values if value is not None])
    return {folded(value): ids for value, ids in matching.items() if ids}


def _are_new(stored: dict[Any, list[int]], field: Field, prepared: Sequence[Prepared]) -> list[bool]:
    """Whether no record has a row's value, and no row before it."""
    seen = set(stored)
    are_new = []
    for each in prepared:
        value = _value(each, field)
        are_new.append(value is None or value not in seen)
        seen.add(value)
    return are_new


def _value(prepared: Prepared, field: Field) -> Any:
    drafts = prepared.drafts
    value = drafts[0].row.get(field.column) if drafts else None
    return None if value is None else folded(value)


def _chosen(
    prepared: Sequence[Prepared],
    are_chosen: Sequence[bool],
    write: Callable[[Sequence[Prepared]], list[Outcome]],
    refused: Fault,
) -> list[Outcome]:
    """The outcomes of all rows. Those that are not chosen are refused, unless they could not be written anyway."""
    written = iter(write([each for each, is_chosen in zip(prepared, are_chosen, strict=True) if is_chosen]))
    return [
        next(written) if is_chosen else failed(_own_fault(each) or refused)
        for each, is_chosen in zip(prepared, are_chosen, strict=True)
    ]


def _own_fault(prepared: Prepared) -> Fault | None:
    return next((each for each in (prepared.insert, prepared.update) if isinstance(each, Fault)), None)


def _duplicate(field: Field) -> Fault:
    return Fault(400, "DUPLICATE_DATA", "duplicate data", {"api_name": field.api_name})


def _unknown(field: Field) -> Fault:
    return Fault(400, "RESOURCE_NOT_FOUND", "there is no such record", {"api_name": field.api_name})


def _results(outcomes: Sequence[Outcome]) -> list[RowResult]:
    return [result_of(outcome.document) for outcome in outcomes]


def result_of(document: dict[str, Any]) -> RowResult:
    """What became of a row, by the outcome of its record."""
    if document["code"] == "SUCCESS":
        is_new = document.get("action", document["message"]) in {"insert", "record added"}
        return "ADDED" if is_new else "UPDATED", document["details"]["id"], ""
    return "SKIPPED", "", ":".join(_errors(document))


def _errors(document: dict[str, Any]) -> Iterator[str]:
    several = document["details"].get("errors")
    if several:
        for error in several:
            yield from _errors(error)
        return
    name = document["details"].get("api_name")
    yield f"{document['code']}-{name}" if name else document["code"]
