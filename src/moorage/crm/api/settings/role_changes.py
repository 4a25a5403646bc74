"""Roles made, changed and deleted [Z get-roles]."""

from moorage.crm.api.documents import reference
from moorage.crm.api.items import specs_of
from moorage.crm.api.settings.changing import (
    MAX_BODY,
    SettingsChange,
    change_each,
    named_document,
    require_customizer,
)
from moorage.crm.faults import Fault, param_missing
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import api_name_of
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.wire.call import Call
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME = "roles"
MOST_AT_ONCE = 100
MOST_ROLES = 250
LONGEST_NAME, LONGEST_DESCRIPTION = 200, 1_000
_GONE = "the id given seems to be invalid or already deleted"


async def create_roles(call: Call) -> Response:
    require_customizer(call)
    specs = await specs_of(call, NAME, MOST_AT_ONCE)
    return await change_each(call, NAME, specs, _created, done=201)


def _created(change: SettingsChange, spec: JsonObject) -> Outcome:
    roles = change.metadata.all("role")
    if len(roles) >= MOST_ROLES:
        message = "Request exceeds your license limit."
        raise Fault(400, "LICENSE_LIMIT_EXCEEDED", message, {"limit": MOST_ROLES})
    spec.require("name")
    by, now = change.user(), change.now()
    identity = change.new_id()
    body = {
        "id": identity,
        "api_name": api_name_of(str(spec.raw("name")), [role.body["api_name"] for role in roles]),
        "share_with_peers": False,
        "admin_user": False,
        "description": None,
        "reporting_to": reference(roles[0]),
        "forecast_manager": None,
        "created_by__s": by,
        "modified_by__s": by,
        "created_time__s": now,
        "modified_time__s": now,
    }
    _put(change, int(identity), _changed(change, spec, body, None))
    return succeeded({"id": identity}, "Role added")


async def update_roles(call: Call) -> Response:
    require_customizer(call)
    specs = await specs_of(call, NAME, MOST_AT_ONCE)

    def update(change: SettingsChange, spec: JsonObject) -> Outcome:
        return _updated(change, named_document(change.metadata, "role", spec, _GONE), spec)

    return await change_each(call, NAME, specs, update)


async def update_role(call: Call) -> Response:
    require_customizer(call)
    identity = path_id(call.path, 2)
    specs = await specs_of(call, NAME, 1)
    return await change_each(
        call, NAME, specs, lambda change, spec: _updated(change, _required(change.metadata, identity), spec)
    )


def _updated(change: SettingsChange, role: Document, spec: JsonObject) -> Outcome:
    body = _changed(change, spec, role.body, role)
    body |= {"modified_by__s": change.user(), "modified_time__s": change.now()}
    _put(change, role.id, body)
    if body["name"] != role.name:
        _refer(change, str(role.id), {"name": body["name"], "id": str(role.id)})
    return succeeded({"id": str(role.id)}, "Role updated")


def _put(change: SettingsChange, identity: int, body: Body) -> None:
    change.put(Document(identity, "role", 0, body["name"], body))


def _required(metadata: Metadata, identity: int) -> Document:
    role = metadata.find("role", identity)
    if role is None:
        raise Fault(400, "INVALID_DATA", _GONE, {"resource_path_index": 2})
    return role


def _changed(change: SettingsChange, spec: JsonObject, before: Body, role: Document | None) -> Body:
    body, roles = dict(before), change.metadata.all("role")
    if "name" in spec:
        name = _name(spec)
        others = [other.name.casefold() for other in roles if role is None or other.id != role.id]
        if name.casefold() in others:
            message = "Failed to add role since role with same name is already exist"
            raise spec.fault("DUPLICATE_DATA", message, "name")
        body |= {"name": name, "display_label": name}
    if spec.has_member("description"):
        body["description"] = spec.text("description", LONGEST_DESCRIPTION)
    body["share_with_peers"] = spec.boolean("share_with_peers", default=body["share_with_peers"])
    if "reporting_to" in spec:
        body["reporting_to"] = _superior(spec, change.metadata, role)
    return body


def _name(spec: JsonObject) -> str:
    try:
        name = spec.text("name", LONGEST_NAME)
    except Fault as fault:
        raise Fault(400, fault.code, "Invalid role name", fault.details) from None
    if name is None or any(sign in name for sign in '<>"\\'):
        raise spec.fault("INVALID_DATA", "Invalid role name", "name")
    return name


def _superior(spec: JsonObject, metadata: Metadata, role: Document | None) -> Body:
    """The role above, named by its id as text or in an object. Nobody is above the first role, nor below itself."""
    value = spec.raw("reporting_to")
    superior = metadata.find("role", whole_id(value.get("id") if isinstance(value, dict) else value) or 0)
    above = superior
    while above is not None and role is not None:
        if above.id == role.id:
            raise spec.invalid("reporting_to")
        upper = above.body["reporting_to"]
        above = metadata.find("role", int(upper["id"])) if upper else None
    if superior is None or (role is not None and role.body["reporting_to"] is None):
        raise spec.invalid("reporting_to")
    return reference(superior)


async def delete_role(call: Call) -> Response:
    """Users and roles below it go to the role that `transfer_to_id` names."""
    require_customizer(call)
    identity = path_id(call.path, 2)
    if not call.params.get("transfer_to_id"):
        raise param_missing("transfer_to_id")
    heir_id = whole_id(call.params["transfer_to_id"]) or 0

    def delete(change: SettingsChange, identity: int) -> Outcome:
        role, heir = _required(change.metadata, identity), change.metadata.find("role", heir_id)
        if role.body["reporting_to"] is None:
            raise Fault(400, "NOT_ALLOWED", "the first role cannot be deleted", {"resource_path_index": 2})
        if heir is None or heir.id == role.id:
            details = {"param_name": "transfer_to_id"}
            raise Fault(400, "INVALID_DATA", "invalid transferToId", details)
        _refer(change, str(role.id), reference(heir), role.body["reporting_to"])
        change.transaction.remove([role.id])
        return succeeded({"id": str(role.id)}, "Role Deleted")

    return await change_each(call, NAME, [identity], delete)


def _refer(change: SettingsChange, identity: str, new: Body, instead: Body | None = None) -> None:
    """Let users and roles that name a role name it anew. A role that would be above itself gets `instead`."""
    for user in change.metadata.all("user"):
        if user.body["role"]["id"] == identity:
            change.put(user.with_body({**user.body, "role": new}))
    for role in change.metadata.all("role"):
        if (role.body["reporting_to"] or {}).get("id") == identity:
            above = instead if str(role.id) == new["id"] else new
            change.put(role.with_body({**role.body, "reporting_to": above}))


def _scope(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.settings.roles.{operation}",)


_ALL, _ONE = "/crm/v8/settings/roles", "/crm/v8/settings/roles/{id}"

ROUTES = (
    Route("POST", _ALL, create_roles, _scope("CREATE"), max_body=MAX_BODY),
    Route("PUT", _ALL, update_roles, _scope("UPDATE"), max_body=MAX_BODY),
    Route("PUT", _ONE, update_role, _scope("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_role, _scope("DELETE")),
)
