"""Insert, update, upsert and delete records: up to 100 in a call, each with its own outcome.

Sources: [Z insert-records], [Z update-records], [Z upsert-records], [Z delete-records].
"""

from typing import Any

from moorage.crm.api.items import outcomes_answer
from moorage.crm.api.records.writing import outcomes_of, prepared_records, write
from moorage.crm.faults import Fault, param_missing, wrong_format
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import writable
from moorage.crm.records.duplicates import duplicate_checks
from moorage.crm.records.prepare import to_insert, to_update, to_upsert
from moorage.crm.records.reading import record_id
from moorage.crm.wire.body import list_of
from moorage.crm.wire.call import Call
from moorage.crm.wire.members import invalid
from moorage.crm.wire.parameters import id_list
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MAX_CHECKED = 100  # Names in `duplicate_check_fields`.


async def insert(call: Call) -> Response:
    module = writable(call, "creatable")
    prepared, _ = await prepared_records(call, module, to_insert)
    return await write(call, module, lambda change: change.insert(prepared), done=201)


async def update(call: Call) -> Response:
    module = writable(call, "editable")
    prepared, _ = await prepared_records(call, module, to_update)
    return await write(call, module, lambda change: change.update(prepared))


async def update_one(call: Call) -> Response:
    module = writable(call, "editable")
    record = record_id(call)
    (prepared,), _ = await prepared_records(call, module, to_update, maximum=1)
    return await write(call, module, lambda change: change.update_one(record, prepared))


async def upsert(call: Call) -> Response:
    module = writable(call, "creatable")
    prepared, body = await prepared_records(call, module, to_upsert)
    checked = duplicate_checks(module, _duplicate_check_fields(body))
    return await write(call, module, lambda change: change.upsert(prepared, checked))


async def delete(call: Call) -> Response:
    module = writable(call, "deletable")
    if "ids" not in call.params:
        raise param_missing("ids")
    ids = id_list(call.params, "ids")
    return await write(call, module, lambda change: change.delete(ids))


async def delete_one(call: Call) -> Response:
    module = writable(call, "deletable")
    record = whole_id(call.path["id"])
    if record is None:
        raise wrong_format(resource_path_index=1)
    outcomes = await outcomes_of(call, module, lambda change: change.delete([record]))
    if outcomes[0].document["code"] == "INVALID_DATA":
        raise Fault(400, "INVALID_DATA", "record not deleted", {"resource_path_index": 1})
    return outcomes_answer("data", outcomes)


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
