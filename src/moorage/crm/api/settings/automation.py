"""Wizards, assignment rules, workflow rules and approvals: an organisation has none, and says so.

Sources: [Z get-wizards], [Z get-assignment-rules].
"""

from moorage.crm.api.documents import module_parameter
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Handler, Route
from moorage.http.message import Response


def list_none(call: Call) -> Response:
    if "module" in call.params:
        module_parameter(call)
    return no_content()


def _none_with(index: int) -> Handler:
    """`index` is the place of the id among the segments of the path."""

    def get_none(call: Call) -> Response:
        path_id(call.path, index)
        return no_content()

    return get_none


def _read(group: str) -> tuple[str, ...]:
    return (f"ZohoCRM.{group}.READ",)


_FAMILIES = (
    ("settings/wizards", 2, "settings.wizards"),
    ("settings/automation/assignment_rules", 3, "settings.assignment_rules"),
    ("settings/automation/workflow_rules", 3, "settings.workflow_rules"),
    ("approvals", 1, "modules.approvals"),
)

ROUTES = tuple(
    route
    for path, index, group in _FAMILIES
    for route in (
        Route("GET", f"/crm/v8/{path}", list_none, _read(group)),
        Route("GET", f"/crm/v8/{path}/{{id}}", _none_with(index), _read(group)),
    )
)
