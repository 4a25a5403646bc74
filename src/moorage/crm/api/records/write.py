"""Write records: insert, update, upsert, delete; up to 100 of them in a call, each with an outcome of its own.

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
from moorage.crm.wire.members import invalid
from moorage.crm.wire.parameters import id_list
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

Prepare: TypeAlias = Callable[[Catalog, Module, Sequence[Any]], list[Prepared]]

_AT_ONCE = 10  # Records that are read in less time than a thread is waited for.
MAX_CHECKED = 100  # Names in `duplicate_check_fields`.


async def insert(call: Call) -> Response:
    module = writable(call, "creatable")
    records, _ = await records_of(call)
    prepared = await _prepare(call, module, records, to_insert)
    outcomes = await _change(call, module, lambda change: change.insert(prepared))
    return _answer(outcomes, done=201)


async def update(call: Call) -> Response:
    module = writable(call, "editable")
    records, _ = await records_of(call)
    prepared = await _prepare(call, module, records, to_update)
    outcomes = await _change(call, module, lambda change: change.update(prepared))
    return _answer(outcomes, done=200)


async def update_one(call: Call) -> Response:
    module = writable(call, "editable")
    wanted = record_id(call)
    records, _ = await records_of(call, maximum=1)
    prepared = await _prepare(call, module, records, to_update)
    outcomes = await _change(call, module, lambda change: change.update_one(wanted, prepared[0]))
    return _answer(outcomes, done=200)


async def upsert(call: Call) -> Response:
    module = writable(call, "creatable")
    records, body = await records_of(call)
    check = duplicate_checks(module, _duplicate_check_fields(body))
    prepared = await _prepare(call, module, records, to_upsert)
    outcomes = await _change(call, module, lambda change: change.upsert(prepared, check))
    return _answer(outcomes, done=200)


async def delete(call: Call) -> Response:
    module = writable(call, "deletable")
    if "ids" not in call.params:
        raise param_missing("ids")
    ids = id_list(call.params, "ids")
    outcomes = await _change(call, module, lambda change: change.delete(ids))
    return _answer(outcomes, done=200)


async def delete_one(call: Call) -> Response:
    module = writable(call, "deletable")
    wanted = whole_id(call.path["id"])
    if wanted is None:
        raise wrong_format(resource_path_index=1)
    outcomes = await _change(call, module, lambda change: change.delete([wanted]))
    if outcomes[0].status != 200:
        raise Fault(400, "INVALID_DATA", "record not deleted", {"resource_path_index": 1})
    return _answer(outcomes, done=200)


async def _prepare(call: Call, module: Module, records: Sequence[Any], prepare: Prepare) -> list[Prepared]:
    """Read the records before the writer is asked for its turn; many of them aside from the event loop."""
    if len(records) <= _AT_ONCE:
        return prepare(call.organisation.catalog, module, records)
    return await asyncio.to_thread(prepare, call.organisation.catalog, module, records)


def _change(call: Call, module: Module, run: Callable[[Change], list[Outcome]]) -> Awaitable[list[Outcome]]:
    unmodified = since_header(call, b"if-unmodified-since")

    def job(transaction: Transaction) -> list[Outcome]:
        whole = call.rules.rows_are_whole
        return run(
            Change(call.organisation, module, call.caller.user, transaction, unmodified, rows_are_whole=whole)
        )

    return call.organisation.store.write(job)


def _answer(outcomes: Sequence[Outcome], *, done: int) -> Response:
    statuses = {outcome.status for outcome in outcomes}
    succeeded = {status for status in statuses if status < 300}
    if not succeeded:
        status = 412 if statuses == {412} else 400
    else:
        status = done if succeeded == statuses else 207
    return answer({"data": [outcome.document for outcome in outcomes]}, status)


def _duplicate_check_fields(body: dict[str, Any]) -> list[str] | None:
    """The names that are checked: a list, or one name alone. Raises the fault for anything else."""
    given = body.get("duplicate_check_fields")
    if given is None:
        return None
    names = [given] if isinstance(given, str) else list_of(body, "duplicate_check_fields")
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
