"""Write records: insert, update, upsert, delete; up to 100 of them in a call, each with an outcome of its own."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from moorage.crm.api.lists import module_of, since_header
from moorage.crm.api.parameters import id_list
from moorage.crm.api.records import record_id
from moorage.crm.call import Call, answer
from moorage.crm.catalog import Module
from moorage.crm.faults import Fault, invalid_module, param_missing, unparsable
from moorage.crm.records.changes import Change, Outcome, duplicate_checks
from moorage.crm.routing import Route
from moorage.crm.store.contract import Transaction
from moorage.http.message import Response

MAX_RECORDS = 100
TRIGGERS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")


async def insert(call: Call) -> Response:
    module = writable(call, "creatable")
    records, _ = _records(call)
    outcomes = await _change(call, module, lambda change: change.insert(records))
    return _answer(outcomes, done=201)


async def update(call: Call) -> Response:
    module = writable(call, "editable")
    records, _ = _records(call)
    outcomes = await _change(call, module, lambda change: change.update(records))
    return _answer(outcomes, done=200)


async def update_one(call: Call) -> Response:
    module = writable(call, "editable")
    wanted = record_id(call)
    records, _ = _records(call, maximum=1)
    if isinstance(records[0], dict):
        records = [records[0] | {"id": str(wanted)}]
    outcomes = await _change(call, module, lambda change: change.update(records))
    return _answer(outcomes, done=200)


async def upsert(call: Call) -> Response:
    module = writable(call, "creatable")
    records, body = _records(call)
    check = duplicate_checks(module, _duplicate_check_fields(module, body))
    outcomes = await _change(call, module, lambda change: change.upsert(records, check))
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
    wanted = record_id(call)
    outcomes = await _change(call, module, lambda change: change.delete([wanted]))
    if outcomes[0].status != 200:
        raise Fault(400, "INVALID_DATA", "record not deleted", {"resource_path_index": 1})
    return _answer(outcomes, done=200)


def writable(call: Call, flag: str) -> Module:
    """The module of the path. Rows of subforms and histories are written through their parents only."""
    module = module_of(call)
    if not module.flags.get(flag) or module.generated_type in {"subform", "field_tracker"}:
        raise invalid_module(0)
    return module


def _change(call: Call, module: Module, run: Callable[[Change], list[Outcome]]) -> Awaitable[list[Outcome]]:
    unmodified = since_header(call, b"if-unmodified-since")

    def job(transaction: Transaction) -> list[Outcome]:
        return run(Change(call.organisation, module, call.user, transaction, unmodified))

    return call.organisation.store.write(job)


def _answer(outcomes: Sequence[Outcome], *, done: int) -> Response:
    statuses = {outcome.status for outcome in outcomes}
    succeeded = {status for status in statuses if status < 300}
    if not succeeded:
        status = 412 if statuses == {412} else 400
    else:
        status = done if succeeded == statuses else 207
    return answer({"data": [outcome.document for outcome in outcomes]}, status)


def _records(call: Call, maximum: int = MAX_RECORDS) -> tuple[list[Any], dict[str, Any]]:
    """The `data` of the body and the body. The Content-Type is not asked: Zoho's own SDK sends none."""
    body = decoded(call.request.body)
    if not isinstance(body, dict):
        raise Fault(400, "INVALID_DATA", "body", {"expected_data_type": "jsonobject"})
    if "data" not in body:
        details = {"api_name": "data", "json_path": "$.data"}
        raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", details)
    records = body["data"]
    place = {"api_name": "data", "json_path": "$.data"}
    if not isinstance(records, list):
        raise Fault(400, "INVALID_DATA", "invalid data", {"expected_data_type": "jsonarray", **place})
    if not records:
        raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", place)
    if len(records) > maximum:
        raise Fault(400, "INVALID_DATA", "invalid data", {"maximum_length": maximum, **place})
    _check_triggers(body)
    return records, body


def decoded(body: bytes) -> Any:
    """JSON, or the fault for what isn't: malformed, too deep, numbers out of range, lone surrogates."""
    try:
        return msgspec.json.decode(body)
    except (ValueError, RecursionError):
        raise unparsable() from None


def _check_triggers(body: dict[str, Any]) -> None:
    triggers = body.get("trigger")
    if triggers is None:
        return
    place = {"api_name": "trigger", "json_path": "$.trigger"}
    if not isinstance(triggers, list):
        raise Fault(400, "INVALID_DATA", "invalid data", {"expected_data_type": "jsonarray", **place})
    if any(one not in TRIGGERS for one in triggers):
        raise Fault(400, "INVALID_DATA", "invalid data", {"supported_values": list(TRIGGERS), **place})


def _duplicate_check_fields(module: Module, body: dict[str, Any]) -> list[str] | None:
    names = body.get("duplicate_check_fields")
    if names is None:
        return None
    place = {"api_name": "duplicate_check_fields", "json_path": "$.duplicate_check_fields"}
    if not isinstance(names, list):
        raise Fault(400, "INVALID_DATA", "invalid data", {"expected_data_type": "jsonarray", **place})
    allowed = [one.api_name for one in duplicate_checks(module, None)]
    for index, name in enumerate(names):
        if name not in allowed:
            at = {**place, "json_path": f"$.duplicate_check_fields[{index}]", "supported_values": allowed}
            raise Fault(400, "INVALID_DATA", "invalid data", at)
    return names


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.modules.{{module}}.{operation}",)


ROUTES = (
    Route("POST", "{module}", insert, _scopes("CREATE")),
    Route("PUT", "{module}", update, _scopes("UPDATE")),
    Route("DELETE", "{module}", delete, _scopes("DELETE")),
    Route("PUT", "{module}/{id}", update_one, _scopes("UPDATE")),
    Route("DELETE", "{module}/{id}", delete_one, _scopes("DELETE")),
    Route("POST", "{module}/upsert", upsert, (*_scopes("CREATE"), *_scopes("UPDATE"))),
)
