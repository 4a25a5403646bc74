"""Users made, changed and deleted, and their records given to others [Z add-users], [Z transfer-and-delete]."""

from collections.abc import Callable

import msgspec

from moorage.crm.api.documents import reference
from moorage.crm.api.items import specs_of
from moorage.crm.api.mass.actions import STATES, found_job
from moorage.crm.api.settings.changing import (
    MAX_BODY,
    SettingsChange,
    changed,
    named_document,
)
from moorage.crm.api.user_members import changed_user, new_user, refuse_fixed, require_own_time_zone
from moorage.crm.faults import Fault, invalid_id
from moorage.crm.jobs import leaving
from moorage.crm.jobs.asking import ask_for
from moorage.crm.jobs.leaving import LeavingRequest
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.standard.people import regional_settings_of
from moorage.crm.records.access import require_administrator
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME, LEAVING = "users", "transfer_and_delete"
MOST_USERS = 1_000  # Of an organisation, those who were deleted included.
_MANAGE = "Crm_Implied_Manage_Users"


async def create_user(call: Call) -> Response:
    require_administrator(call, _MANAGE)
    [spec] = await specs_of(call, NAME, 1)

    def create(change: SettingsChange) -> Outcome:
        users = change.metadata.all("user")
        if len(users) >= MOST_USERS:
            message = "Request exceeds your license limit. Need to upgrade in order to add"
            raise Fault(400, "LICENSE_LIMIT_EXCEEDED", message, {"limit": MOST_USERS})
        regional = regional_settings_of(users[0].body)
        body = {
            "id": change.new_id(),
            "zuid": None,
            "status": "active",
            "confirm": False,
            "Reporting_To": None,
            **regional,
            **new_user(spec, change.metadata),
            "created_by": change.user(),
            "created_time": change.now(),
            **_modified(change),
        }
        change.put(Document(int(body["id"]), "user", 0, body["full_name"], body))
        return succeeded({"id": body["id"]}, "User added")

    return await _answer(call, create, done=201)


async def update_users(call: Call) -> Response:
    [spec] = await specs_of(call, NAME, 1)

    def update(change: SettingsChange) -> Outcome:
        return _updated(change, named_document(change.metadata, "user", spec), spec)

    return await _answer(call, update)


async def update_user(call: Call) -> Response:
    user = _in_path(call)
    [spec] = await specs_of(call, NAME, 1)

    def update(change: SettingsChange) -> Outcome:
        return _updated(change, _required(change.metadata, user), spec)

    return await _answer(call, update)


def _updated(change: SettingsChange, user: Document, spec: JsonObject) -> Outcome:
    is_self = user.id == change.call.caller.user
    if not is_self:
        require_administrator(change.call, _MANAGE)
    if user.body["status"] == "deleted":
        raise Fault(400, "CANNOT_UPDATE_DELETED_USER", "Deleted user cannot be updated", {"id": str(user.id)})
    refuse_fixed(spec, user.body)
    require_own_time_zone(spec, user, is_self=is_self)
    body = changed_user(spec, user, change.metadata, user.body)
    _require_rank(change, user, spec, body)
    if "status" in spec:
        body["status"] = _status(change, user, spec)
    body |= _modified(change)
    change.put(Document(user.id, "user", 0, body["full_name"], body))
    return succeeded({"id": str(user.id)}, "User updated")


def _require_rank(change: SettingsChange, user: Document, spec: JsonObject, body: Body) -> None:
    """Nobody changes their own role and profile, and nobody those of the primary contact, as whom Moorage acts."""
    for name in ("role", "profile"):
        if body[name]["id"] != user.body[name]["id"] and (
            user.id == change.call.caller.user or _is_primary(change.metadata, user)
        ):
            message = "Profile and Role cannot be Updated by the user."
            raise spec.fault("INVALID_REQUEST", message, name)


def _status(change: SettingsChange, user: Document, spec: JsonObject) -> str:
    status = spec.raw("status")
    if status not in ("active", "inactive"):
        raise spec.invalid("status", supported_values=["active", "inactive"])
    if status == user.body["status"]:
        if not any(spec.has_member(name) for name in ("first_name", "last_name", "email")):
            code, word = (
                ("ID_ALREADY_ACTIVE", "active")
                if status == "active"
                else ("ID_ALREADY_DEACTIVATED", "deactivated")
            )
            raise spec.fault(code, f"User is already {word}", "status")
        return str(status)
    if status == "inactive":
        _require_other(change.call, change.metadata, user, "Primary Contact cannot be deactivated")
    return str(status)


def _require_other(call: Call, metadata: Metadata, user: Document, of_primary: str) -> None:
    """Raise the Fault if the user is the caller, or the primary contact, as whom Moorage itself acts."""
    require_administrator(call, _MANAGE)
    details = {"id": str(user.id)}
    if user.id == call.caller.user:
        message = "You can't perform this action over logged in user"
        raise Fault(400, "INVALID_REQUEST", message, details)
    if _is_primary(metadata, user):
        raise Fault(400, "INVALID_REQUEST", of_primary, details)


def _is_primary(metadata: Metadata, user: Document) -> bool:
    return user.id == metadata.all("user")[0].id


async def delete_user(call: Call) -> Response:
    """The user stays as one who is deleted, and keeps the records, as Zoho has it."""
    user = _in_path(call)
    return await _answer(call, lambda change: _deleted(change, user))


def _deleted(change: SettingsChange, identity: int) -> Outcome:
    user = _deletable(change.call, change.metadata, identity)
    change.put(user.with_body({**user.body, "status": "deleted", **_modified(change)}))
    return succeeded({"id": str(user.id)}, "User deleted")


def _deletable(call: Call, metadata: Metadata, identity: int) -> Document:
    user = metadata.find("user", identity)
    if user is None:
        raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", {"id": str(identity)})
    if user.body["status"] == "deleted":
        require_administrator(call, _MANAGE)
        raise Fault(400, "ID_ALREADY_DELETED", "User is already deleted", {"id": str(user.id)})
    _require_other(call, metadata, user, "Primary contact cannot be deleted")
    return user


def _modified(change: SettingsChange) -> Body:
    return {"Modified_By": change.user(), "Modified_Time": change.now()}


def _in_path(call: Call) -> int:
    """The user whom the path names. Raises the Fault for one who is not there."""
    return _required(call.organisation.metadata, path_id(call.path, 1)).id


def _required(metadata: Metadata, identity: int) -> Document:
    user = metadata.find("user", identity)
    if user is None:
        raise invalid_id(1)
    return user


async def _answer(call: Call, change: Callable[[SettingsChange], Outcome], *, done: int = 200) -> Response:
    """The one outcome of a change, with the status of its Fault. Missing rights are told without a list."""
    try:
        outcome = await changed(call, change)
    except Fault as fault:
        if fault.code == "NO_PERMISSION":
            raise
        return answer({NAME: [fault.document()]}, fault.status)
    return answer({NAME: [outcome.document]}, done)


async def transfer_and_delete_one(call: Call) -> Response:
    return await _transfer(call, _in_path(call))


async def transfer_and_delete(call: Call) -> Response:
    return await _transfer(call, None)


async def _transfer(call: Call, leaving_user: int | None) -> Response:
    """The job is asked for first, because a change of the metadata closes the store that the call has."""
    require_administrator(call, _MANAGE)
    [spec] = await specs_of(call, LEAVING, 1)
    metadata, details = call.organisation.metadata, Body()
    try:
        user = leaving_user if leaving_user is not None else _id(spec)
        owner, manager = _heirs(metadata, spec, user)
        _deletable(call, metadata, user)
        if owner is not None:
            job = await ask_for(call, leaving.KIND, msgspec.to_builtins(LeavingRequest(user, owner)))
            details = {"jobId": str(job.id), "job_id": str(job.id)}
        outcome = await changed(call, lambda change: _left(change, user, manager))
    except Fault as fault:
        return answer({LEAVING: [fault.document()]}, fault.status)
    outcome.document["details"] |= details
    return answer({LEAVING: [outcome.document]})


def _id(spec: JsonObject) -> int:
    spec.require("id")
    return whole_id(spec.raw("id")) or 0


def _heirs(metadata: Metadata, spec: JsonObject, user: int) -> tuple[int | None, Document | None]:
    """Who gets the records, if they are to be given away, and to whom those report who reported to the user."""
    transfer, move = spec.inner("transfer"), spec.inner("move_subordinate")
    if transfer is None:
        raise spec.missing("transfer")
    flags = [transfer.boolean(name) for name in ("records", "assignment", "criteria")]
    owner = _heir(metadata, transfer, user) if any(flags) or "id" in transfer else None
    manager = _heir(metadata, move, user) if move is not None else None
    return (owner.id if owner is not None and flags[0] else None), manager


def _heir(metadata: Metadata, spec: JsonObject, user: int) -> Document:
    heir = metadata.find("user", _id(spec))
    if heir is None or heir.body["status"] != "active" or heir.id == user:
        raise spec.invalid("id")
    return heir


def _left(change: SettingsChange, user: int, manager: Document | None) -> Outcome:
    outcome = _deleted(change, user)
    if manager is not None:
        boss = {**reference(manager), "name": manager.body["full_name"]}
        for other in change.metadata.all("user"):
            reports = (other.body.get("Reporting_To") or {}).get("id") == str(user)
            if reports and other.id != manager.id:
                change.put(other.with_body({**other.body, "Reporting_To": boss}))
    return outcome


async def transfer_status(call: Call) -> Response:
    job = await found_job(call, leaving.KIND)
    return answer({LEAVING: [{"status": STATES[job.state]}]})


def _scope(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.users.{operation}",)


_ALL, _ONE = "/crm/v8/users", "/crm/v8/users/{id}"

ROUTES = (
    Route("POST", _ALL, create_user, _scope("CREATE"), max_body=MAX_BODY),
    Route("PUT", _ALL, update_users, _scope("UPDATE"), max_body=MAX_BODY),
    Route("PUT", _ONE, update_user, _scope("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_user, _scope("DELETE")),
    Route(
        "POST",
        f"{_ALL}/actions/transfer_and_delete",
        transfer_and_delete,
        _scope("DELETE"),
        max_body=MAX_BODY,
    ),
    Route("GET", f"{_ALL}/actions/transfer_and_delete", transfer_status, _scope("READ")),
    Route(
        "POST",
        f"{_ONE}/actions/transfer_and_delete",
        transfer_and_delete_one,
        _scope("DELETE"),
        max_body=MAX_BODY,
    ),
)
