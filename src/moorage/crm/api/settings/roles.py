"""Roles: list and get [Z get-roles]."""

from moorage.crm.api.documents import document_in_path, encoded_once
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_roles(call: Call) -> Response:
    roles = call.organisation.metadata.all("role")
    return encoded_once(call, "roles", lambda: {"roles": [role.body for role in roles]})


def get_role(call: Call) -> Response:
    role = document_in_path(call, "role", 2)
    return answer({"roles": [role.body]}) if role else no_content()


_READ = ("ZohoCRM.settings.roles.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/roles", list_roles, _READ),
    Route("GET", "/crm/v8/settings/roles/{id}", get_role, _READ),
)
