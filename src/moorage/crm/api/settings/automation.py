"""Wizards, rules, approvals, cadences and other processes: an organisation has none, and says so.

Sources: [Z get-wizards], [Z get-assignment-rules], [Z cadences], [Z description].
"""

from moorage.crm.api.documents import module_parameter
from moorage.crm.api.settings.nothing import nothing_at
from moorage.crm.faults import Fault, invalid_id
from moorage.crm.records.access import readable
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_none(call: Call) -> Response:
    if "module" in call.params:
        module_parameter(call)
    return no_content()


async def decide(call: Call) -> Response:
    """Approve or reject a record: none waits for that."""
    path_id(call.path, 1)
    await object_of(call)
    raise invalid_id(1)


async def enrol(call: Call) -> Response:
    """Put records into cadences, or take them out: whatever cadence is named, there is none."""
    readable(call)
    body = await object_of(call)
    for name in ("cadences_ids", "ids"):
        if not body.has_member(name):
            raise body.missing(name)
        ids = body.raw(name)
        if not isinstance(ids, list) or not ids:
            raise body.invalid(name, expected_data_type="jsonarray")
    place = {"api_name": "cadences_ids", "json_path": "$.cadences_ids[0]"}
    raise Fault(400, "INVALID_DATA", "the id given seems to be invalid", place)


def _read(group: str) -> tuple[str, ...]:
    return (f"ZohoCRM.{group}.READ",)


_FAMILIES = (
    ("settings/wizards", "settings.wizards"),
    ("settings/automation/assignment_rules", "settings.assignment_rules"),
    ("settings/automation/workflow_rules", "settings.workflow_rules"),
    ("settings/automation/scoring_rules", "settings.scoring_rules"),
    ("settings/data_sharing/rules", "settings.data_sharing"),
    ("settings/inventory_templates", "settings.inventory_templates"),
    ("settings/unsubscribe_links", "settings.unsubscribe"),
    ("settings/users_unavailability", "settings.users_unavailability"),
    ("approvals", "modules.approvals"),
)

ROUTES = (
    *(
        route
        for path, group in _FAMILIES
        for route in (
            Route("GET", f"/crm/v8/{path}", list_none, _read(group)),
            Route("GET", f"/crm/v8/{path}/{{id}}", nothing_at(f"{path}/{{id}}"), _read(group)),
        )
    ),
    Route("PUT", "/crm/v8/approvals/{id}/actions", decide, ("ZohoCRM.modules.approvals.UPDATE",)),
    Route("GET", "/crm/v8/settings/automation/cadences", list_none, _read("settings.cadences")),
    *(
        Route("POST", f"/crm/v8/{{module}}/actions/{action}", enrol, ("ZohoCRM.modules.{module}.UPDATE",))
        for action in ("enrol_in_cadences", "unenrol_from_cadences")
    ),
)
