"""Notes through the record that they belong to: read, inserted, updated and deleted [Z get-notes]."""

from collections.abc import Awaitable, Sequence
from typing import Any

from moorage.crm.api.items import outcomes_answer
from moorage.crm.api.records.writing import outcomes_of, prepared_records, write
from moorage.crm.api.related.lists import get_related, list_related, parent_of, unknown_list
from moorage.crm.faults import Fault, related_id_invalid, wrong_format
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import readable
from moorage.crm.records.changes import Change
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.prepare import Prepared, to_insert, to_update
from moorage.crm.records.related import RelatedList, related_list
from moorage.crm.records.within import Within
from moorage.crm.wire.call import Call
from moorage.crm.wire.parameters import id_list, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_NOTE = 3  # The place of a note's id among the segments of the path.


def list_notes(call: Call) -> Response | Awaitable[Response]:
    return list_related(call, _notes_of(call), _parent(call), related_id_invalid)


def get_note(call: Call) -> Response | Awaitable[Response]:
    note = path_id(call.path, _NOTE, "note_id")
    return get_related(call, _notes_of(call), _parent(call), note, related_id_invalid)


async def insert_notes(call: Call) -> Response:
    related, parent = _notes_of(call), _parent(call)

    def prepare(catalog: Catalog, module: Module, records: Sequence[Any]) -> list[Prepared]:
        return to_insert(catalog, module, [_of_parent(record, related, parent) for record in records])

    prepared, _ = await prepared_records(call, related.module, prepare)

    def run(change: Change) -> list[Outcome]:
        _require(change, related, parent)
        return change.insert(prepared)

    return await write(call, related.module, run, done=201)


async def update_notes(call: Call) -> Response:
    related, parent = _notes_of(call), _parent(call)
    prepared, _ = await prepared_records(call, related.module, to_update)

    def run(change: Change) -> list[Outcome]:
        _require(change, related, parent)
        return change.update(prepared)

    return await write(call, related.module, run, within=_within(related, parent))


async def update_note(call: Call) -> Response:
    related, parent = _notes_of(call), _parent(call)
    note = path_id(call.path, _NOTE, "note_id")
    (prepared,), _ = await prepared_records(call, related.module, to_update, maximum=1)

    def run(change: Change) -> list[Outcome]:
        _require(change, related, parent)
        return change.update_one(note, prepared, index=_NOTE)

    return await write(call, related.module, run, within=_within(related, parent))


async def delete_notes(call: Call) -> Response:
    return outcomes_answer("data", await _deleted(call, id_list(call.params, "ids")))


async def delete_note(call: Call) -> Response:
    note = whole_id(call.path["note_id"])
    if note is None:
        raise wrong_format(resource_path_index=_NOTE)
    outcomes = await _deleted(call, [note])
    if outcomes[0].status != 200:
        raise Fault(400, "INVALID_DATA", "record not deleted", {"resource_path_index": _NOTE})
    return outcomes_answer("data", outcomes)


def _deleted(call: Call, notes: Sequence[int]) -> Awaitable[list[Outcome]]:
    related, parent = _notes_of(call), _parent(call)

    def run(change: Change) -> list[Outcome]:
        _require(change, related, parent)
        return change.delete(notes)

    return outcomes_of(call, related.module, run, _within(related, parent))


def _notes_of(call: Call) -> RelatedList:
    """The list of notes of the path's module. Raises the Fault of a module whose records have none."""
    notes = related_list(call.organisation, readable(call), "Notes")
    if notes is None:
        raise unknown_list()
    return notes


def _parent(call: Call) -> int:
    return parent_of(call, related_id_invalid)


def _of_parent(record: Any, related: RelatedList, parent: int) -> Any:
    """A note of the body, which belongs to the record of the path, whatever it says itself."""
    if not isinstance(record, dict):
        return record
    named = {"id": str(parent), "module": {"api_name": related.parents.api_name}}
    return {**record, "Parent_Id": named}


def _within(related: RelatedList, parent: int) -> Within:
    return Within(related.module.fields["Parent_Id"], parent)


def _require(change: Change, related: RelatedList, parent: int) -> None:
    if not change.exists(related.parents, parent):
        raise related_id_invalid()


def _scopes(operation: str) -> tuple[str, ...]:
    return ("ZohoCRM.modules.{module}.READ", f"ZohoCRM.modules.notes.{operation}")


_LIST = "/crm/v8/{module}/{id}/Notes"
_ONE = "/crm/v8/{module}/{id}/Notes/{note_id}"
ROUTES = (
    Route("GET", _LIST, list_notes, _scopes("READ")),
    Route("GET", _ONE, get_note, _scopes("READ")),
    Route("POST", _LIST, insert_notes, _scopes("CREATE")),
    Route("PUT", _LIST, update_notes, _scopes("UPDATE")),
    Route("PUT", _ONE, update_note, _scopes("UPDATE")),
    Route("DELETE", _LIST, delete_notes, _scopes("DELETE")),
    Route("DELETE", _ONE, delete_note, _scopes("DELETE")),
)
