"""The recycle bin of all modules: list, restore, and delete for good [Z recycle-bin]."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from moorage.crm.api.items import joint_status
from moorage.crm.api.settings.bin_filters import conditions_of, ids_are
from moorage.crm.faults import Fault, ambiguous
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import is_administrator
from moorage.crm.records.outcomes import Outcome, failed, user_details
from moorage.crm.records.recycle_bin import Emptying
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.storage.contract.recycle_bin import BinCondition, BinEntry, InBin
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.members import invalid, object_in
from moorage.crm.wire.parameters import id_list, one_of, page_and_size, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

AT_ONCE = 1_000  # Whoever restores or deletes more records than this is not told of each.
PART = 100  # Records of one transaction, so that other writers wait for no more.
SORTS = ("deleted_time", "display_name", "deleted_by")
_TARGETS = ("ids", "filters", "restore_all_records")

# Takes records out of the bin; gives what happened to each.
Work: TypeAlias = Callable[[Emptying, Sequence[BinEntry]], Mapping[int, Outcome]]


async def list_bin(call: Call) -> Response:
    page, size = page_and_size(call.params)
    order = one_of(call.params, "sort_by", SORTS, "deleted_time")
    descending = one_of(call.params, "sort_order", ("asc", "desc"), "desc") == "desc"
    which = InBin((*_own(call), *_chosen(call)), order, descending)  # type: ignore[arg-type]
    entries = await call.store.bin_entries(which, Window(size, (page - 1) * size))
    return _page(call, entries[:size], page, size, more=len(entries) > size)


async def get_one(call: Call) -> Response:
    entries = await call.store.bin_entries(InBin((*_own(call), ids_are([_record(call)]))), Window(1))
    return _page(call, entries, 1, 1, more=False)


def _page(call: Call, entries: Sequence[BinEntry], page: int, size: int, *, more: bool) -> Response:
    if not entries:
        return no_content()
    info = {"per_page": size, "count": len(entries), "page": page, "more_records": more}
    return answer({"recycle_bin": [_shown(call, entry) for entry in entries], "info": info})


async def count(call: Call) -> Response:
    filters = call.params.get("filters")
    conditions = [] if filters is None else conditions_of(filters, call.organisation.catalog)
    return answer({"count": await call.store.bin_count(InBin((*_own(call), *conditions)))})


async def delete(call: Call) -> Response:
    given = [name for name in ("ids", "filters") if name in call.params]
    if not given:
        details = {"param_names": ["ids", "filters"]}
        raise Fault(400, "EXPECTED_PARAM_MISSING", "one of the expected parameter is missing", details)
    if len(given) > 1:
        raise ambiguous(*given)
    if given == ["ids"]:
        return await _each(call, id_list(call.params, "ids"), Emptying.remove)
    return await _all(call, _chosen(call), Emptying.remove, "record has been scheduled for deletion")


async def delete_one(call: Call) -> Response:
    return await _each(call, [_record(call)], Emptying.remove)


async def empty(call: Call) -> Response:
    done = await _everything(call, (), Emptying.remove)
    if len(done) > AT_ONCE:
        return _told("SCHEDULED", "Empty bin action has been scheduled", 202)
    return _told("SUCCESS", "recyclebin is cleared", 200)


async def restore(call: Call) -> Response:
    body = object_in(await call.request.whole())
    target = _target(body)
    if target == "ids":
        return await _each(call, _ids(body["ids"]), Emptying.restore)
    if target == "filters":
        conditions = conditions_of(body["filters"], call.organisation.catalog)
        message = "Bulk restoration of records based on filters has been scheduled"
        return await _all(call, conditions, Emptying.restore, message)
    if body["restore_all_records"] is not True:
        raise invalid("restore_all_records", "$.restore_all_records", supported_values=[True])
    return await _all(call, (), Emptying.restore, "record has been scheduled for restoration")


async def restore_one(call: Call) -> Response:
    return await _each(call, [_record(call)], Emptying.restore)


def _target(body: Mapping[str, Any]) -> str:
    """The one member that says which records are meant."""
    given = [name for name in _TARGETS if body.get(name) is not None]
    if len(given) == 1:
        return given[0]
    places = [{"api_name": name, "json_path": f"$.{name}"} for name in given or _TARGETS]
    if not given:
        raise Fault(400, "EXPECTED_FIELD_MISSING", "Specify atleast one field", {"expected_fields": places})
    message = f"cannot use {' and '.join(given)} together"
    raise Fault(400, "AMBIGUITY_DURING_PROCESSING", message, {"ambiguity_due_to": places})


def _own(call: Call) -> tuple[BinCondition, ...]:
    """Administrators have all that was deleted, and others what they have deleted themselves."""
    return () if is_administrator(call) else (BinCondition("deleted_by", "in", (call.caller.user,)),)


def _chosen(call: Call) -> list[BinCondition]:
    """What the query asks for: ids count before filters."""
    if "ids" in call.params:
        return [ids_are(id_list(call.params, "ids"))]
    filters = call.params.get("filters")
    return [] if filters is None else conditions_of(filters, call.organisation.catalog)


def _shown(call: Call, entry: BinEntry) -> dict[str, Any]:
    organisation = call.organisation
    module = organisation.catalog.by_number.get(entry.module)
    owner = module.fields.get("Owner") if module else None
    return {
        "display_name": entry.display_name,
        "deleted_time": zoned(organisation.zone, entry.deleted_time),
        "owner": user_details(organisation, entry.body["row"].get(owner.column)) if owner else None,
        "module": module.reference if module else None,
        "deleted_by": user_details(organisation, entry.deleted_by),
        "id": str(entry.id),
    }


def _record(call: Call) -> int:
    return path_id(call.path, 2)


def _ids(values: Any) -> list[int]:
    if not isinstance(values, list) or not values:
        raise invalid("ids", "$.ids", expected_data_type="jsonarray")
    if len(values) > AT_ONCE:
        raise invalid("ids", "$.ids", maximum_length=AT_ONCE)
    ids = [whole_id(value) for value in values]
    if None in ids:
        raise invalid("ids", f"$.ids[{ids.index(None)}]")
    return list(dict.fromkeys(record for record in ids if record is not None))


async def _each(call: Call, ids: Sequence[int], work: Work) -> Response:
    """Do something with records; each succeeds or fails alone."""
    outcomes: dict[int, Outcome] = {}
    for start in range(0, len(ids), PART):
        which = InBin((*_own(call), ids_are(ids[start : start + PART])))
        outcomes |= await _part(call, which, work)
    return _answer([outcomes.get(record) or _unknown(record) for record in ids])


async def _all(call: Call, conditions: Sequence[BinCondition], work: Work, scheduled: str) -> Response:
    done = await _everything(call, conditions, work)
    return _answer(list(done.values())) if len(done) <= AT_ONCE else _told("SCHEDULED", scheduled, 202)


async def _everything(call: Call, conditions: Sequence[BinCondition], work: Work) -> dict[int, Outcome]:
    """Do something with all records of the bin that meet the conditions."""
    done: dict[int, Outcome] = {}
    last = 0
    while True:
        beyond = BinCondition("id", ">", (last,))
        part = await _part(call, InBin((*_own(call), *conditions, beyond), "id", descending=False), work)
        if not part:
            return done
        done |= part
        last = max(part)


async def _part(call: Call, which: InBin, work: Work) -> Mapping[int, Outcome]:
    def job(transaction: Transaction) -> Mapping[int, Outcome]:
        emptying = Emptying(call.organisation, transaction, call.caller.user)
        return work(emptying, transaction.bin.entries(which, PART))

    return await call.store.write(job)


def _unknown(record: int) -> Outcome:
    return failed(Fault(400, "INVALID_DATA", "the id given seems to be invalid", {"id": str(record)}))


def _answer(outcomes: Sequence[Outcome]) -> Response:
    if not outcomes:
        return no_content()
    statuses = [outcome.status for outcome in outcomes]
    status = joint_status(statuses, refused=statuses[0])
    return answer({"recycle_bin": [outcome.document for outcome in outcomes]}, status)


def _told(code: str, message: str, status: int) -> Response:
    return answer({"code": code, "details": {}, "message": message, "status": "success"}, status)


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.settings.recycle_bin.{operation}",)


_BIN = "/crm/v8/settings/recycle_bin"

ROUTES = (
    Route("GET", _BIN, list_bin, _scopes("READ")),
    Route("DELETE", _BIN, delete, _scopes("DELETE")),
    Route("GET", f"{_BIN}/{{id}}", get_one, _scopes("READ")),
    Route("DELETE", f"{_BIN}/{{id}}", delete_one, _scopes("DELETE")),
    Route("GET", f"{_BIN}/actions/count", count, _scopes("READ")),
    Route("POST", f"{_BIN}/actions/empty", empty, _scopes("DELETE")),
    Route("POST", f"{_BIN}/actions/restore", restore, _scopes("UPDATE")),
    Route("POST", f"{_BIN}/{{id}}/actions/restore", restore_one, _scopes("UPDATE")),
)
