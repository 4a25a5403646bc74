"""Reads of what an organisation has none of yet, such as territories and groups of users: it says so."""

from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.parameters import page_and_size, path_id
from moorage.crm.wire.routing import Handler, Route
from moorage.http.message import Response


def nothing_at(path: str) -> Handler:
    """Whatever can be an id in the path is an id of nothing. Raises the Fault for what can't."""
    segments = enumerate(path.split("/"))
    places = [(index, segment.strip("{}")) for index, segment in segments if segment.startswith("{")]

    def get_nothing(call: Call) -> Response:
        for index, name in places:
            path_id(call.path, index, name)
        page_and_size(call.params)
        return no_content()

    return get_nothing


_BY_SCOPE = {
    "territories": (
        "settings/territories",
        "settings/territories/{id}",
        "settings/territories/{id}/__child_territories",
        "settings/territories/{id}/users",
        "settings/territories/{id}/users/{user_id}",
        "settings/territories/actions/associated_users_count",
        "settings/territories/actions/deleted_associated_territories",
        "users/{id}/territories",
        "users/{id}/territories/{territory_id}",
    ),
    "user_groups": (
        "settings/user_groups",
        "settings/user_groups/{id}",
        "settings/user_groups/{id}/sources",
        "settings/user_groups/{id}/actions/sources_count",
        "settings/user_groups/{id}/actions/associations",
        "settings/user_groups/{id}/associated_users/actions/grouped_counts",
        "settings/user_groups/actions/associated_users_count",
        "settings/user_groups/actions/deletion_jobs",
        "users/{id}/actions/associated_groups",
    ),
    "unsubscribe": ("settings/unsubscribe_link/actions/associations",),
}

ROUTES = tuple(
    Route("GET", f"/crm/v8/{path}", nothing_at(path), (f"ZohoCRM.settings.{scope}.READ",))
    for scope, paths in _BY_SCOPE.items()
    for path in paths
)
