"""Insert, update, upsert and delete records: up to 100 in a call, each with its own outcome.

Sources: [Z insert-records], [Z update-records], [Z upsert-records], [Z delete-records].
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from moorage.crm.faults import Fault, param_missing, wrong_format
from moorage.crm.metadata.catalog import Catalog, Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import writable
from moorage.crm.records.changes import Change
from moorage.crm.records.duplicates import duplicate_checks
from moorage.crm.records.outcomes import Outcome
from moorage.crm.records.prepare import Prepared, to_insert, to_update, to_upsert
from moorage.crm.records.reading import record_id, since_header
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.body import list_of, records_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.members import MAX_RECORDS, invalid
from moorage.crm.wire.parameters import id_list
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

Prepare: TypeAlias = Callable[[Catalog, Module, Sequence[Any]], list[Prepared]]

_IN_THE_LOOP = 10  # Reading so many records takes less time than waiting for a thread.
MAX_CHECKED = 100  # Names in `duplicate_check_fields`.


async def insert(call: Call) -> Response:
    module = writable(call, "creatable")
    prepared, _ = await _prepared(call, module, to_insert)
    return await _write(call, module, lambda change: change.insert(prepared), done=201)


async def update(call: Call) -> Response:
    module = writable(call, "editable")
    prepared, _ = await _prepared(call, module, to_update)
    return await _write(call, module, lambda change: change.update(prepared))


async def update_one(call: Call) -> Response:
    module = writable(call, "editable")
    record = record_id(call)
    (prepared,), _ = await _prepared(call, module, to_update, maximum=1)
    return await _write(call, module, lambda change: change.update_one(record, prepared))


async def upsert(call: Call) -> Response:
    module = writable(call, "creatable")
    prepared, body = await _prepared(call, module, to_upsert)
    checked = duplicate_checks(module, _duplicate_check_fields(body))
    return await _write(call, module, lambda change: change.upsert(prepared, checked))


async def delete(call: Call) -> Response:
    module = writable(call, "deletable")
    if "ids" not in call.params:
        raise param_missing("ids")
    ids = id_list(call.params, "ids")
    return await _write(call, module, lambda change: change.delete(ids))


async def delete_one(call: Call) -> Response:
    module = writable(call, "deletable")
    record = whole_id(call.path["id"])
    if record is None:
        raise wrong_format(resource_path_index=1)
    outcomes = await _outcomes(call, module, lambda change: change.delete([record]))
    if outcomes[0].status != 200:
        raise Fault(400, "INVALID_DATA", "record not deleted", {"resource_path_index": 1})
    return _answer(outcomes, done=200)


async def _prepared(
    call: Call, module: Module, prepare: Prepare, *, maximum: int = MAX_RECORDS
) -> tuple[list[Prepared], dict[str, Any]]:
    """The records of the body, read and checked, and the body. Many records are read outside the event loop."""
    records, body = await records_of(call, maximum)
    catalog = call.organisation.catalog
    if len(records) <= _IN_THE_LOOP:
        return prepare(catalog, module, records), body
    return await asyncio.to_thread(prepare, catalog, module, records), body


async def _write(
    call: Call, module: Module, run: Callable[[Change], list[Outcome]], *, done: int = 200
) -> Response:
    return _answer(await _outcomes(call, module, run), done=done)


def _outcomes(call: Call, module: Module, run: Callable[[Change], list[Outcome]]) -> Awaitable[list[Outcome]]:
    unmodified_since = since_header(call, b"if-unmodified-since")
    user, rows_are_whole = call.caller.user, call.rules.rows_are_whole

    def job(transaction: Transaction) -> list[Outcome]:
        return run(
            Change(
                call.organisation,
                module,
                user,
                transaction,
                unmodified_since,
                rows_are_whole=rows_are_whole,
            )
        )

    return call.store.write(job)


def _answer(outcomes: Sequence[Outcome], *, done: int) -> Response:
    """`done` is the status when every record succeeded."""
    statuses = {outcome.status for outcome in outcomes}
    succeeded = {status for status in statuses if status < 300}
    if not succeeded:
        status = 412 if statuses == {412} else 400
    else:
        status = done if succeeded == statuses else 207
    return answer({"data": [outcome.document for outcome in outcomes]}, status)


def _duplicate_check_fields(body: dict[str, Any]) -> list[str] | None:
    """The names of `duplicate_check_fields`: an array of names, or a single name. Raises the Fault for others."""
    value = body.get("duplicate_check_fields")
    if value is None:
        return None
    names = [value] if isinstance(value, str) else list_of(body, "duplicate_check_fields")
    if len(names) > MAX_CHECKED:
        raise invalid("duplicate_check_fields", "$.duplicate_check_fields", maximum_length=MAX_CHECKED)
    for index, name in enumerate(names):
        if not isinstance(name, str):
            path = f"$.duplicate_check_fields[{index}]"
            raise invalid("duplicate_check_fields", path, expected_data_type="text")
    return names


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.modules.{{module}}.{operation}",)


ROUTES = (
    Route("POST", "/crm/v8/{module}", insert, _scopes("CREATE")),
    Route("PUT", "/crm/v8/{module}", update, _scopes("UPDATE")),
    Route("DELETE", "/crm/v8/{module}", delete, _scopes("DELETE")),
    Route("PUT", "/crm/v8/{module}/{id}", update_one, _scopes("UPDATE")),
    Route("DELETE", "/crm/v8/{module}/{id}", delete_one, _scopes("DELETE")),
    Route("POST", "/crm/v8/{module}/upsert", upsert, (*_scopes("CREATE"), *_scopes("UPDATE"))),
)
