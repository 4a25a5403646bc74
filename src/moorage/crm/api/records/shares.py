"""Share a record with users and roles, list with whom it is shared, and share it no more [Z share-record]."""

from collections.abc import Sequence
from typing import Any

from moorage.crm.api.items import joint_status
from moorage.crm.faults import Fault, related_id_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import readable, writable
from moorage.crm.records.outcomes import user_details
from moorage.crm.records.reading import record_id, reference_to
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.members import invalid, object_in
from moorage.crm.wire.parameters import one_of
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

KIND = "share"
MOST = {"users": 10, "roles": 5, "groups": 5}
PERMISSIONS = ("full_access", "read_only", "read_write")


async def list_shares(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    view = one_of(call.params, "view", ("summary", "manage"), "summary")
    shared_to = call.params.get("sharedTo")
    which = CompanionsOf(KIND, owner=record, name=shared_to)
    found = await settled(call.store.companions(which, Window(sum(MOST.values()))))
    through = await reference_to(call, module, record)
    if through is None:
        raise _unknown_record()
    shares = [_shown(call, share, through) for share in found.companions]
    if not shares and view == "summary":
        return no_content()
    return answer({"share": shares, "shareable_user": _shareable(call, found.companions)})


def _shown(call: Call, share: Companion, through: dict[str, Any]) -> dict[str, Any]:
    body, organisation = share.body, call.organisation
    kind = body["with_type"]
    document = organisation.metadata.find(kind.removesuffix("s"), int(share.name))
    known = {} if document is None else document.body
    name = known.get("full_name" if kind == "users" else "name")
    shared_with = {"name": name, "id": share.name, "type": kind, "zuid": known.get("zuid")}
    module = {"name": through["module"]["api_name"], "id": through["module"]["id"]}
    return {
        "shared_with": shared_with,
        "share_related_records": body["related"],
        "shared_through": {**through, "module": module, "entity_name": through["name"]},
        "shared_time": zoned(organisation.zone, body["time"]),
        "permission": body["permission"],
        "shared_by": user_details(organisation, body["by"]),
        "user": user_details(organisation, int(share.name)) if kind == "users" else None,
        "type": body["type"],
    }


def _shareable(call: Call, shares: Sequence[Companion]) -> list[dict[str, str]]:
    """The users with whom the record can still be shared."""
    known = {share.name for share in shares} | {str(call.caller.user)}
    users = call.organisation.metadata.all("user")
    return [
        {"name": user.body["full_name"], "id": str(user.id)}
        for user in users
        if user.body["status"] == "active" and str(user.id) not in known
    ]


async def share(call: Call) -> Response:
    return await _put(call, replaces=False)


async def change_shares(call: Call) -> Response:
    return await _put(call, replaces=True)


async def _put(call: Call, *, replaces: bool) -> Response:
    module, record = _shareable_module(call), record_id(call)
    shares = object_in(await call.request.whole()).get("share")
    if shares is None:
        details = {"api_name": "share", "json_path": "$.share"}
        raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", details)
    if not isinstance(shares, list) or not shares:
        raise invalid("share", "$.share", expected_data_type="jsonarray")
    if len(shares) > sum(MOST.values()):
        raise invalid("share", "$.share", maximum_length=sum(MOST.values()))

    def job(transaction: Transaction) -> list[Fault | None]:
        if not transaction.existing(module, [record]):
            raise _unknown_record()
        known = {c.name: c for c in transaction.companions.of(KIND, [record]).get(record, ())}
        numbers = iter(transaction.new_ids(len(shares)))
        outcomes: list[Fault | None] = []
        for index, wanted in enumerate(shares):
            try:
                name, body = _checked(call, wanted, f"$.share[{index}]", transaction.now)
                _refuse(known, name, body, f"$.share[{index}]", replaces=replaces)
            except Fault as fault:
                outcomes.append(fault)
            else:
                number = known[name].id if name in known else next(numbers)
                known[name] = Companion(number, KIND, record, name, body)
                outcomes.append(None)
        transaction.companions.put(list(known.values()))
        return outcomes

    outcomes = await call.store.write(job)
    return answer({"share": [_outcome(fault) for fault in outcomes]}, _status(outcomes))


def _refuse(
    known: dict[str, Companion], name: str, body: dict[str, Any], path: str, *, replaces: bool
) -> None:
    if name in known:
        if not replaces:
            details = {"api_name": "shared_with", "json_path": f"{path}.shared_with"}
            raise Fault(400, "DUPLICATE_DATA", "record is already visible to the user.", details)
        return
    kind = body["with_type"]
    if sum(share.body["with_type"] == kind for share in known.values()) >= MOST[kind]:
        message = f"Cannot share a record to more than {MOST[kind]} {kind}."
        raise Fault(403, "LIMIT_EXCEEDED", message, {"limit": MOST[kind], "json_path": path})


def _checked(call: Call, wanted: Any, path: str, now: int) -> tuple[str, dict[str, Any]]:
    """The id with whom a record is to be shared, and how."""
    if not isinstance(wanted, dict):
        raise invalid("share", path, expected_data_type="jsonobject")
    shared_with: Any = wanted.get("shared_with", wanted.get("user"))
    for name, value in (("shared_with", shared_with), ("permission", wanted.get("permission"))):
        if value is None:
            details = {"api_name": name, "json_path": f"{path}.{name}"}
            raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", details)
    kind = shared_with.get("type", "users") if isinstance(shared_with, dict) else None
    if not isinstance(kind, str) or kind not in MOST:
        raise invalid("type", f"{path}.shared_with.type", supported_values=list(MOST))
    permission, privacy = wanted["permission"], wanted.get("type", "private")
    if permission not in PERMISSIONS:
        details = {"api_name": "permission", "json_path": f"{path}.permission"}
        raise Fault(400, "INVALID_DATA", "Permission is invalid", details)
    if privacy not in ("public", "private"):
        raise invalid("type", f"{path}.type", supported_values=["public", "private"])
    related = wanted.get("share_related_records") or False
    if not isinstance(related, bool):
        raise invalid("share_related_records", f"{path}.share_related_records", expected_data_type="boolean")
    number = _receiver(call, kind, shared_with.get("id"), f"{path}.shared_with.id")
    body = {"with_type": kind, "permission": permission, "related": related, "type": privacy}
    return str(number), {**body, "by": call.caller.user, "time": now}


def _receiver(call: Call, kind: str, value: Any, path: str) -> int:
    number = whole_id(value)
    document = call.organisation.metadata.find(kind.removesuffix("s"), number or 0)  # type: ignore[arg-type]
    place = {"api_name": "id", "json_path": path}
    if number is None or document is None:
        raise Fault(400, "INVALID_DATA", "invalid user Id", place)
    if kind == "users" and (number == call.caller.user or document.body["status"] != "active"):
        raise Fault(400, "INVALID_DATA", "cannot share to the user", place)
    return number


async def revoke(call: Call) -> Response:
    module, record = _shareable_module(call), record_id(call)

    def job(transaction: Transaction) -> None:
        if not transaction.existing(module, [record]):
            raise _unknown_record()
        shares = transaction.companions.of(KIND, [record]).get(record)
        if not shares:
            message = "No sharing through this record is available to revoke"
            raise Fault(400, "CANNOT_PROCESS", message)
        transaction.companions.remove([share.id for share in shares])

    await call.store.write(job)
    details = {"id": str(record)}
    done = {"code": "SUCCESS", "details": details, "message": "Sharing Revoked", "status": "success"}
    return answer({"share": done})


def _shareable_module(call: Call) -> Module:
    module = writable(call, "editable")
    if "Owner" not in module.fields or "Parent_Id" in module.fields:
        raise Fault(403, "NOT_ALLOWED", "Record Level Sharing is not supported for this module")
    return module


def _unknown_record() -> Fault:
    return Fault(400, "INVALID_DATA", "ENTITY_ID_INVALID", related_id_invalid().details)


def _outcome(fault: Fault | None) -> dict[str, Any]:
    if fault is not None:
        return fault.document()
    message = "record will be shared successfully"
    return {"code": "SUCCESS", "details": {}, "message": message, "status": "success"}


def _status(outcomes: Sequence[Fault | None]) -> int:
    statuses = [201 if fault is None else fault.status for fault in outcomes]
    return joint_status(statuses, done=201, refused=statuses[0])


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.share.{{module}}.{operation}",)


_SHARE = "/crm/v8/{module}/{id}/actions/share"

ROUTES = (
    Route("GET", _SHARE, list_shares, _scopes("READ")),
    Route("POST", _SHARE, share, _scopes("CREATE")),
    Route("PUT", _SHARE, change_shares, _scopes("UPDATE")),
    Route("DELETE", _SHARE, revoke, _scopes("DELETE")),
)
