"""The records that a mass action names: by their ids, or as those of a view [Z mass-update]."""

from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.views import is_seen
from moorage.crm.metadata.ids import whole_id
from moorage.crm.query.view_criteria import CONDITION_LIMIT, count_conditions
from moorage.crm.wire.call import Call

MOST_IDS = 500


def asked_ids(body: JsonObject, most: int = MOST_IDS) -> list[int]:
    """The `ids` of the body, each once."""
    items = body.raw("ids")
    if items in (None, []):
        raise body.missing("ids", expected_data_type="jsonarray")
    if not isinstance(items, list):
        raise body.invalid("ids", expected_data_type="jsonarray")
    if len(items) > most:
        raise body.invalid("ids", maximum_length=most)
    ids = [whole_id(item) for item in items]
    if None in ids:
        details = {
            "expected_data_type": "bigint",
            "api_name": "ids",
            "json_path": f"$.ids[{ids.index(None)}]",
        }
        raise Fault(400, "INVALID_DATA", "invalid data", details)
    return list(dict.fromkeys(record for record in ids if record is not None))


def asked_owner(call: Call, body: JsonObject) -> int:
    """The `owner` of the body, an active user."""
    owner = body.inner("owner")
    if owner is None:
        raise body.missing("owner")
    owner.require("id")
    identity = whole_id(owner.raw("id"))
    user = call.organisation.metadata.find("user", identity or 0)
    if user is None:
        raise owner.fault("INVALID_DATA", "the id given seems to be invalid", "id")
    if user.body["status"] != "active":
        message = "The user to whom you are trying to transfer the records is not active."
        raise owner.fault("INVALID_DATA", message, "id", owner_status=user.body["status"])
    return user.id


def asked_criteria(call: Call, module: Module, body: JsonObject) -> tuple[int, dict[str, Any] | None]:
    """The id of the view that `cvid` names, and its criteria together with the `criteria` of the body."""
    view = call.organisation.metadata.find("custom_view", whole_id(body.raw("cvid")) or 0)
    metadata = call.organisation.metadata
    if view is None or view.module != module.id or not is_seen(metadata, view, call.caller.user):
        raise body.fault("INVALID_DATA", "the cvid given seems to be invalid", "cvid")
    if body.inner("territory") is not None:  # An organisation has no territories here.
        raise body.invalid("territory")
    parts = [part for part in (view.body.get("criteria"), body.raw("criteria")) if part]
    if sum(map(count_conditions, parts)) > CONDITION_LIMIT:
        message = "Given CVID has more than 25 criteria, so change owner not done."
        raise Fault(400, "COMBINED_CRITERIA_LIMIT_EXCEEDED", message, {"limit": CONDITION_LIMIT})
    if len(parts) < 2:
        return view.id, parts[0] if parts else None
    return view.id, {"group_operator": "AND", "group": parts}
