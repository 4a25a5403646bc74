"""Lock a record, and let it be written to by others again [Z record-locking]."""

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from moorage.crm.faults import Fault, invalid_id, related_id_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import is_administrator, readable, writable
from moorage.crm.records.locks import FIELD, KIND, lock_of
from moorage.crm.records.outcomes import user_details
from moorage.crm.records.reading import record_id, reference_to
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.body import records_of
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.members import invalid
from moorage.crm.wire.parameters import field_names, id_list, page_and_size, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MAX_REASON = 255
_REASON = "Locked_Reason__s"


async def list_locks(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    names = field_names(call.params, required=True)
    await _require_there(call, module, record)
    page, size = page_and_size(call.params)
    ids = set(id_list(call.params, "ids")) if "ids" in call.params else None
    which = CompanionsOf(KIND, owner=record)
    found = await settled(call.store.companions(which, Window(size, (page - 1) * size)))
    locks = [lock for lock in found.companions if ids is None or lock.id in ids]
    shown = [await _shown(call, module, lock, names) for lock in locks]
    if not shown:
        return no_content()
    info = {"per_page": size, "count": len(shown), "page": page, "more_records": found.more}
    return answer({"data": shown, "info": info})


async def get_lock(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    await _require_there(call, module, record)
    lock = await settled(call.store.companion(KIND, _lock_id(call)))
    if lock is None or lock.owner != record:
        return no_content()
    return answer({"data": [await _shown(call, module, lock, field_names(call.params))]})


async def _require_there(call: Call, module: Module, record: int) -> None:
    """Raise the Fault of a record that is not there, or is of another module than that of the path."""
    if await reference_to(call, module, record) is None:
        raise related_id_invalid()


async def _shown(call: Call, module: Module, lock: Companion, names: list[str]) -> dict[str, Any]:
    """A lock with its id and the fields that are asked for; all fields if none are."""
    body, organisation = lock.body, call.organisation
    fields: dict[str, Any] = {
        "Locked_By__s": user_details(organisation, body["by"], "email"),
        "Locked_For__s": await reference_to(call, module, lock.owner),
        _REASON: body["reason"],
        "Lock_Source__s": "Manual",
        "Locked_Time__s": zoned(organisation.zone, body["time"]),
        "Record_Locking_Configuration_Id__s": None,
        "Record_Locking_Rule_Id__s": None,
        "Created_By": user_details(organisation, body["by"], "email"),
        "Created_Time": zoned(organisation.zone, body["time"]),
        "Modified_By": user_details(organisation, body["modified_by"], "email"),
        "Modified_Time": zoned(organisation.zone, body["modified_time"]),
    }
    chosen = {name: value for name, value in fields.items() if not names or name in names}
    return {**chosen, "id": str(lock.id)}


async def add_lock(call: Call) -> Response:
    module, record, reason = _lockable(call), record_id(call), await _reason(call)
    column = module.fields[FIELD].column

    def job(transaction: Transaction) -> Companion:
        if not transaction.existing(module, [record]):
            raise related_id_invalid()
        if lock_of(transaction, [record]):
            raise Fault(403, "NOT_ALLOWED", "record is already locked", {"resource_path_index": 1})
        (number,) = transaction.new_ids(1)
        user, now = call.caller.user, transaction.now
        body = {"by": user, "time": now, "reason": reason, "modified_by": user, "modified_time": now}
        lock = Companion(number, KIND, record, body=body)
        transaction.companions.put([lock])
        transaction.update(module, {record: {column: 1}})
        return lock

    return _written(call, await call.store.write(job), "record added", 201)


async def change_lock(call: Call) -> Response:
    module, record, reason, number = _lockable(call), record_id(call), await _reason(call), _lock_id(call)

    def change(transaction: Transaction, lock: Companion) -> Companion:
        more = {"reason": reason, "modified_by": call.caller.user, "modified_time": transaction.now}
        changed = replace(lock, body={**lock.body, **more})
        transaction.companions.put([changed])
        return changed

    changed = await call.store.write(_with_lock(call, module, record, number, invalid_id(3), change))
    return _written(call, changed, "record updated", 200)


async def remove_lock(call: Call) -> Response:
    module, record, number = _lockable(call), record_id(call), _lock_id(call)
    column = module.fields[FIELD].column

    def remove(transaction: Transaction, lock: Companion) -> Companion:
        transaction.companions.remove([lock.id])
        transaction.update(module, {record: {column: 0}})
        return lock

    unknown = Fault(400, "INVALID_DATA", "relation not found", {"resource_path_index": 3})
    lock = await call.store.write(_with_lock(call, module, record, number, unknown, remove))
    done = {"code": "SUCCESS", "details": {"id": str(lock.id)}, "message": "relation removed"}
    return answer({"data": [{**done, "status": "success"}]})


def _with_lock(
    call: Call,
    module: Module,
    record: int,
    number: int,
    unknown: Fault,
    change: Callable[[Transaction, Companion], Companion],
) -> Callable[[Transaction], Companion]:
    """A job for who may unlock the record: who has locked it, and administrators."""

    def job(transaction: Transaction) -> Companion:
        if not transaction.existing(module, [record]):
            raise related_id_invalid()
        lock = lock_of(transaction, [record]).get(record)
        if lock is None or lock.id != number:
            raise unknown
        if lock.body["by"] != call.caller.user and not is_administrator(call):
            message = "You do not have permission to unlock this record"
            raise Fault(403, "NO_PERMISSION", message, {"resource_path_index": 3})
        return change(transaction, lock)

    return job


def _lockable(call: Call) -> Module:
    module = writable(call, "editable")
    if FIELD not in module.fields:
        message = "Required Record Locking Configuration is not present"
        raise Fault(400, "NOT_ALLOWED", message, {"resource_path_index": 2})
    return module


def _lock_id(call: Call) -> int:
    return path_id(call.path, 3, "lock_id")


async def _reason(call: Call) -> str:
    (lock, *_), _ = await records_of(call, 1)
    path = f"$.data[0].{_REASON}"
    reason = lock.get(_REASON) if isinstance(lock, dict) else None
    if reason is None or reason == "":
        details = {"api_name": _REASON, "json_path": path}
        raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", details)
    if not isinstance(reason, str):
        raise invalid(_REASON, path, expected_data_type="text")
    if len(reason) > MAX_REASON:
        raise invalid(_REASON, path, maximum_length=MAX_REASON)
    return reason


def _written(call: Call, lock: Companion, message: str, status: int) -> Response:
    zone, body = call.organisation.zone, lock.body
    details = {
        "Modified_Time": zoned(zone, body["modified_time"]),
        "Modified_By": user_details(call.organisation, body["modified_by"]),
        "Created_Time": zoned(zone, body["time"]),
        "id": str(lock.id),
        "Created_By": user_details(call.organisation, body["by"]),
    }
    done = {"code": "SUCCESS", "details": details, "message": message, "status": "success"}
    return answer({"data": [done]}, status)


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.modules.{{module}}.{operation}",)


_LOCKS = "/crm/v8/{module}/{id}/Locking_Information__s"

ROUTES = (
    Route("GET", _LOCKS, list_locks, _scopes("READ")),
    Route("POST", _LOCKS, add_lock, _scopes("CREATE")),
    Route("GET", f"{_LOCKS}/{{lock_id}}", get_lock, _scopes("READ")),
    Route("PUT", f"{_LOCKS}/{{lock_id}}", change_lock, _scopes("UPDATE")),
    Route("DELETE", f"{_LOCKS}/{{lock_id}}", remove_lock, _scopes("DELETE")),
)
