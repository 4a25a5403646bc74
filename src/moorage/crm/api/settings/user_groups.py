"""Groups of users: an organisation has none yet, and says so."""

from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.parameters import page_and_size, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_groups(call: Call) -> Response:
    page_and_size(call.params)
    return no_content()


def get_group(call: Call) -> Response:
    path_id(call.path, 2)
    return no_content()


def groups_of_user(call: Call) -> Response:
    path_id(call.path, 1)
    return list_groups(call)


_READ = ("ZohoCRM.settings.user_groups.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/user_groups", list_groups, _READ),
    Route("GET", "/crm/v8/settings/user_groups/{id}", get_group, _READ),
    Route("GET", "/crm/v8/users/{id}/actions/associated_groups", groups_of_user, _READ),
)
