"""The body of a write: up to 100 records, and members that say how they are written."""

import asyncio
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault, unparsable
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.wire.call import Call
from moorage.crm.wire.members import AT_ONCE, MAX_RECORDS, invalid, members_of, require_small

TRIGGERS = ("workflow", "approval", "blueprint", "pathfinder", "orchestration")
# None of these features runs here. The names are checked, so that mistakes show before a call goes to the real service.
FEATURES = {
    "apply_feature_execution": (
        "layout_rules", "range_validation", "assignment_rules", "function_validation_rule",
        "criteria_validation_rule", "global_map_dependency", "territory_subordinates",
    ),
    "skip_feature_execution": ("assignment_rules", "cadences", "connected_workflows"),
}  # fmt: skip


async def records_of(call: Call, maximum: int = MAX_RECORDS) -> tuple[list[Any], dict[str, Any]]:
    """The `data` of the body, and all its members. The Content-Type does not matter: Zoho's SDK sends none [Z sdk]."""
    text = await call.request.whole()
    if len(text) <= AT_ONCE:
        body = members_of(text, maximum)
    else:
        body = await asyncio.to_thread(members_of, text, maximum)
    if not body.get("data"):
        details = {"api_name": "data", "json_path": "$.data"}
        raise Fault(400, "MANDATORY_NOT_FOUND", "required field not found", details)
    if call.put_right is not None:
        call.put_right(body["data"])
    if call.external_ids is not None:
        await call.external_ids.put_in_body(body)
    _check_triggers(body)
    for name, feature_names in FEATURES.items():
        _check_features(body, name, feature_names)
    if body.get("lar_id") is not None and whole_id(body["lar_id"]) is None:
        raise invalid("lar_id", "$.lar_id", expected_data_type="bigint")
    return body["data"], body


async def object_of(call: Call) -> JsonObject:
    """The body of a call that writes no records. Raises the Fault for one that is no JSON object, or too large."""
    text = await call.request.whole()
    require_small(text)
    body = _decoded(text) if len(text) <= AT_ONCE else await asyncio.to_thread(_decoded, text)
    if not isinstance(body, dict):
        raise Fault(400, "INVALID_DATA", "body", {"expected_data_type": "jsonobject"})
    if call.external_ids is not None:
        await call.external_ids.put_in_body(body)
    return JsonObject(body, "$")


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (ValueError, RecursionError):
        raise unparsable() from None


def list_of(body: dict[str, Any], name: str) -> list[Any]:
    """An array of the body. Raises the Fault for a value of another type."""
    value = body[name]
    if not isinstance(value, list):
        raise invalid(name, f"$.{name}", expected_data_type="jsonarray")
    return value


def _check_triggers(body: dict[str, Any]) -> None:
    if body.get("trigger") is None:
        return
    if any(trigger not in TRIGGERS for trigger in list_of(body, "trigger")):
        raise invalid("trigger", "$.trigger", supported_values=list(TRIGGERS))


def _check_features(body: dict[str, Any], name: str, feature_names: Sequence[str]) -> None:
    for path, feature in _features(body, name):
        if feature.get("name") not in feature_names:
            raise invalid("name", f"{path}.name", supported_values=list(feature_names))
        # Only an upsert has actions: it may skip a feature for inserts only, or for updates only.
        if feature.get("action") not in (None, "insert", "update"):
            raise invalid("action", f"{path}.action", supported_values=["insert", "update"])


def _features(body: dict[str, Any], name: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if body.get(name) is None:
        return
    for index, feature in enumerate(list_of(body, name)):
        path = f"$.{name}[{index}]"
        if not isinstance(feature, dict):
            raise invalid(name, path, expected_data_type="jsonobject")
        yield path, feature
