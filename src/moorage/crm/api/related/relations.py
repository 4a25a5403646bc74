"""Relate and unrelate records of lists that lead from many records to many [Z update-related-records]."""

from collections.abc import Mapping, Sequence
from typing import Any

from moorage.crm.api.items import outcomes_answer
from moorage.crm.api.related.contact_roles import roles_of
from moorage.crm.api.related.lists import parent_of, related_of, unknown_record
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.relations import CONTACT_ROLE, Relation, relation_documents
from moorage.crm.records.access import writable
from moorage.crm.records.contact_roles import Role, role_named
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.related import RelatedList
from moorage.crm.records.relations import RecordLinks, Wish, unrelated
from moorage.crm.records.values import missing, parse
from moorage.crm.storage.contract.metadata import MetadataTransaction
from moorage.crm.storage.contract.records import StoreClosed, Transaction
from moorage.crm.wire.body import records_of
from moorage.crm.wire.call import Call
from moorage.crm.wire.members import MAX_RECORDS
from moorage.crm.wire.parameters import id_list, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_RELATED = 3  # The place of the related record's id among the segments of the path.


async def relate_records(call: Call) -> Response:
    return await _relate(call, None)


async def relate_record(call: Call) -> Response:
    record = path_id(call.path, _RELATED, "related_id")
    return await _relate(call, record)


async def unrelate_records(call: Call) -> Response:
    related = _many_to_many(call)
    return await _unrelate(call, related, _ids_to_unrelate(call))


async def unrelate_record(call: Call) -> Response:
    related, record = _many_to_many(call), path_id(call.path, _RELATED, "related_id")
    return await _unrelate(call, related, [record])


def _many_to_many(call: Call) -> RelatedList:
    """The list of the path. Raises the Fault of a list whose records point to one record each, by a field of theirs."""
    related = related_of(call, writable(call, "editable"))
    if related.relation is None:
        message = "relations of this list are fields of its records, and are written there"
        raise Fault(400, "NOT_SUPPORTED", message, {"resource_path_index": 2})
    return related


async def _relate(call: Call, record: int | None) -> Response:
    """`record` is the id that the path names."""
    related, parent = _many_to_many(call), parent_of(call)
    records, _ = await records_of(call, MAX_RECORDS if record is None else 1)
    assert related.relation is not None
    if related.links is None:
        await _make_links(call, related, parent)
    links, relation = _record_links(related, parent), related.relation
    roles = await roles_of(call) if CONTACT_ROLE in links.module.fields else []
    wishes = [
        _wish(links.module, relation, value, f"$.data[{index}]", record, roles)
        for index, value in enumerate(records)
    ]

    def job(transaction: Transaction) -> list[Outcome]:
        _require(transaction, related.parents, parent)
        return links.relate(transaction, wishes, call.caller.user)

    return outcomes_answer("data", await call.store.write(job))


async def _unrelate(call: Call, related: RelatedList, records: Sequence[int]) -> Response:
    parent = parent_of(call)

    def job(transaction: Transaction) -> list[Outcome]:
        _require(transaction, related.parents, parent)
        if related.links is None:
            return [unrelated(record, was_there=False) for record in records]
        return _record_links(related, parent).unrelate(transaction, records)

    return outcomes_answer("data", await call.store.write(job))


def _require(transaction: Transaction, parents: Module, parent: int) -> None:
    if not transaction.existing(parents, [parent]):
        raise unknown_record()


def _record_links(related: RelatedList, parent: int) -> RecordLinks:
    links = related.links
    assert links is not None
    return RecordLinks(links.rows, links.own, links.connected, parent, related.module)


async def _make_links(call: Call, related: RelatedList, parent: int) -> None:
    relation = related.relation
    assert relation is not None
    await call.store.write(lambda transaction: _require(transaction, related.parents, parent))
    await make_links(call, relation)


async def make_links(call: Call, relation: Relation) -> None:
    """Make the module of a relation's links. Raises StoreClosed: then the call begins again, and finds the module."""
    await call.store.change_metadata(lambda transaction: _put_links(transaction, relation))
    raise StoreClosed


def _put_links(transaction: MetadataTransaction, relation: Relation) -> None:
    modules = transaction.metadata.all("module")
    if any(module.body.get("relation") == relation.key for module in modules):
        return  # Another call has just made it.
    for document in relation_documents(relation, transaction.metadata, _NewIds(transaction)):
        transaction.put(document)


class _NewIds:
    """The ids of new documents."""

    def __init__(self, transaction: MetadataTransaction) -> None:
        self._transaction = transaction

    def new_id(self) -> str:
        return str(self._transaction.new_ids(1)[0])

    def module(self, api_name: str) -> dict[str, Any]:
        modules = self._transaction.metadata.all("module")
        module = next((each for each in modules if each.name == api_name), None)
        if module is None:
            raise LookupError(api_name)
        return {"api_name": api_name, "id": str(module.id)}


def _wish(
    links: Module, relation: Relation, value: Any, path: str, record: int | None, roles: Sequence[Role]
) -> Wish:
    if not isinstance(value, dict):
        details = {"expected_data_type": "jsonobject", "json_path": path}
        return Wish(path, fault=Fault(400, "INVALID_DATA", "invalid data", details))
    try:
        related = _related_id(value, path) if record is None else record
        return Wish(path, related, _values(links, relation, value, path, roles))
    except Fault as fault:
        return Wish(path, fault=fault)


def _related_id(value: Mapping[str, Any], path: str) -> int:
    place = {"api_name": "id", "json_path": f"{path}.id"}
    if value.get("id") is None:
        raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", place)
    related = whole_id(value["id"])
    if related is None:
        raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)
    return related


def _values(
    links: Module, relation: Relation, value: Mapping[str, Any], path: str, roles: Sequence[Role]
) -> dict[str, Any]:
    values = {}
    for definition in relation.fields:
        field = links.fields[definition.api_name]
        field_path = f"{path}.{field.api_name}"
        if field.api_name == relation.mandatory and value.get(field.api_name) is None:
            raise missing(field, field_path)
        if field.api_name in value:
            sent = value[field.api_name]
            is_role = field.api_name == CONTACT_ROLE
            values[field.column] = (
                role_named(field, sent, field_path, roles) if is_role else parse(field, sent, field_path)
            )
    return values


def _ids_to_unrelate(call: Call) -> list[int]:
    if not call.params.get("ids", "").strip(", "):
        message = "One of the expected parameter is missing"
        raise Fault(400, "MANDATORY_NOT_FOUND", message, {"param_name": "ids"})
    try:
        return id_list(call.params, "ids")
    except Fault as fault:
        if fault.code == "LIMIT_EXCEEDED":  # Here, and nowhere else, the limit is a text.
            fault.details["limit"] = str(fault.details["limit"])
        raise


_LIST = "/crm/v8/{module}/{id}/{related_list}"
_ONE = f"{_LIST}/{{related_id}}"
_UPDATE, _DELETE = ("ZohoCRM.modules.{module}.UPDATE",), ("ZohoCRM.modules.{module}.DELETE",)
ROUTES = (
    Route("PUT", _LIST, relate_records, _UPDATE),
    Route("PUT", _ONE, relate_record, _UPDATE),
    Route("DELETE", _LIST, unrelate_records, _DELETE),
    Route("DELETE", _ONE, unrelate_record, _DELETE),
)
