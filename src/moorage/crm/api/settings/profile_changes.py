"""Profiles cloned, changed and deleted [Z get-profiles]."""

from moorage.crm.api.items import specs_of
from moorage.crm.api.settings.changing import MAX_BODY, SettingsChange, change_each, changed, require_document
from moorage.crm.faults import Fault
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import api_name_of
from moorage.crm.metadata.documents import Body, Document, Metadata
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import require_administrator
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME = "profiles"
MOST_PROFILES = 25
MOST_PERMISSIONS = 1_000
LONGEST_NAME, LONGEST_DESCRIPTION = 50, 250
_FORBIDDEN = frozenset("#%&()*^<>")


def _require(call: Call) -> None:
    require_administrator(call, "Crm_Implied_Manage_Profiles")


async def clone_profile(call: Call) -> Response:
    _require(call)
    identity = path_id(call.path, 2)
    specs = await specs_of(call, NAME, 1)

    def clone(change: SettingsChange, spec: JsonObject) -> Outcome:
        profiles, source = (
            change.metadata.all("profile"),
            require_document(change.metadata, "profile", identity),
        )
        spec.require("name")
        if len(profiles) >= MOST_PROFILES:
            message = "Request exceeds your license limit."
            raise Fault(400, "LICENSE_LIMIT_EXCEEDED", message, {"limit": MOST_PROFILES})
        new = change.new_id()
        body = {
            **source.body,
            "id": new,
            "api_name": api_name_of(str(spec.raw("name")), [each.body["api_name"] for each in profiles]),
            "description": None,
            "custom": True,
            "default": False,
            **change.created(),
        }
        body |= _named(change.metadata, spec, None)
        change.put(Document(int(new), "profile", 0, body["name"], body))
        return succeeded({"id": new}, "profile created successfully")

    return await change_each(call, NAME, specs, clone, done=201)


async def update_profile(call: Call) -> Response:
    _require(call)
    identity = path_id(call.path, 2)
    _refuse_system(require_document(call.organisation.metadata, "profile", identity), "updated")
    specs = await specs_of(call, NAME, 1)

    def update(change: SettingsChange, spec: JsonObject) -> Outcome:
        profile = require_document(change.metadata, "profile", identity)
        body = {**profile.body, **_named(change.metadata, spec, profile), **change.changed()}
        body["permissions_details"] = _permissions(spec, profile.body["permissions_details"])
        change.put(Document(identity, "profile", 0, body["name"], body))
        if body["name"] != profile.name:
            _refer(change, str(identity), {"name": body["name"], "id": str(identity)})
        return succeeded({"id": str(identity)}, "profile updated successfully")

    return await change_each(call, NAME, specs, update)


def _named(metadata: Metadata, spec: JsonObject, profile: Document | None) -> Body:
    named: Body = {}
    if "name" in spec:
        name = spec.text("name", LONGEST_NAME)
        if name is None:
            raise spec.invalid("name")
        if _FORBIDDEN & set(name):
            message = (
                "Profile name should not contain the following special character(s) : #, %, &, (, ), *, ^"
            )
            raise spec.fault("INVALID_DATA", message, "name")
        others = [each for each in metadata.all("profile") if profile is None or each.id != profile.id]
        if name.casefold() in {other.name.casefold() for other in others}:
            raise spec.fault("DUPLICATE_DATA", "duplicate data", "name")
        named |= {"name": name, "display_label": name}
    if spec.has_member("description"):
        named["description"] = spec.text("description", LONGEST_DESCRIPTION)
    return named


def _permissions(spec: JsonObject, known: list[Body]) -> list[Body]:
    wanted: dict[str, bool] = {}
    ids = {permission["id"] for permission in known}
    for item in spec.items("permissions_details", MOST_PERMISSIONS):
        item.require("id", "enabled")
        identity = str(whole_id(item.raw("id")))
        if identity not in ids:
            raise item.fault("INVALID_DATA", "Invalid permission ID", "id")
        wanted[identity] = item.boolean("enabled")
    return [{**each, "enabled": wanted.get(each["id"], each["enabled"])} for each in known]


async def delete_profile(call: Call) -> Response:
    """The users of the profile go to the one that `transfer_to` names."""
    _require(call)
    identity = path_id(call.path, 2)
    _refuse_system(require_document(call.organisation.metadata, "profile", identity), "deleted")
    if not call.params.get("transfer_to"):
        message = "Users in the profile need to be transferred. transfer_to param is mandatory."
        raise Fault(400, "MANDATORY_NOT_FOUND", message, {"param": "transfer_to"})
    heir_id = whole_id(call.params["transfer_to"]) or 0

    def delete(change: SettingsChange) -> Outcome:
        require_document(change.metadata, "profile", identity)
        heir = change.metadata.find("profile", heir_id)
        if heir is None or heir.id == identity:
            message = "the id given seems to be invalid or already deleted"
            raise Fault(400, "INVALID_DATA", message, {"param": "transfer_to"})
        _refer(change, str(identity), {"name": heir.name, "id": str(heir.id)})
        change.transaction.remove([identity])
        return succeeded({"id": str(identity)}, "Profile deleted")

    return answer((await changed(call, delete)).document)


def _refuse_system(profile: Document, what: str) -> None:
    if not profile.body["custom"]:
        message = f"System profile cannot be {what}"
        raise Fault(400, "NOT_ALLOWED", message, {"resource_path_index": 2})


def _refer(change: SettingsChange, identity: str, new: Body) -> None:
    """Let the users of a profile name it anew, or another one."""
    for user in change.metadata.all("user"):
        if user.body["profile"]["id"] == identity:
            change.put(user.with_body({**user.body, "profile": new}))


def _scope(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.settings.profiles.{operation}",)


_ONE = "/crm/v8/settings/profiles/{id}"

ROUTES = (
    Route("POST", f"{_ONE}/actions/clone", clone_profile, _scope("CREATE"), max_body=MAX_BODY),
    Route("PUT", _ONE, update_profile, _scope("UPDATE"), max_body=MAX_BODY),
    Route("DELETE", _ONE, delete_profile, _scope("DELETE")),
)
