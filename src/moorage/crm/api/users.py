"""Users: list, count, get [Z get-users]."""

from collections.abc import Callable
from typing import Any

from moorage.crm.api.documents import document_in_path
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.times import instant
from moorage.crm.records.reading import since_header
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import id_list, one_of, page_and_size, page_of
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

# Members that a user has until somebody changes them, and members that are the same for all users here.
_SHARED: dict[str, Any] = {
    **dict.fromkeys(("alias", "phone", "mobile", "fax", "website", "dob", "signature"), None),
    **dict.fromkeys(("street", "city", "state", "zip"), None),
    "status_reason__s": None,
    "language": "en_US",
    "date_format": "MM/dd/yyyy",
    "time_format": "hh:mm a",
    "number_separator": "Comma",
    "decimal_separator": "Period",
    "name_format__s": "Salutation,First Name,Last Name",
    "sort_order_preference__s": "First Name,Last Name",
    "type__s": "Regular User",
    "category": "regular_user",
    "default_tab_group": "0",
    **dict.fromkeys(("personal_account", "microsoft", "sandboxDeveloper", "Isonline"), False),
    **dict.fromkeys(("$current_shift", "$next_shift", "$shift_effective_from"), None),
    "territories": [],
}
_TAB = {"font_color": "#FFFFFF", "background": "#222222"}
_ONLY_IN_GET = {
    "customize_info": {
        "notes_desc": None,
        "show_right_panel": None,
        "bc_view": None,
        "show_home": False,
        "show_detail_view": True,
        "show_left_panel": None,
        "unpin_recent_item": None,
    },
    "theme": {
        "normal_tab": _TAB,
        "selected_tab": _TAB,
        "new_background": None,
        "background": "#F3F0EB",
        "screen": "fixed",
        "type": "default",
    },
}


def _is_current(user: dict[str, Any], call: Call) -> bool:
    return bool(user["id"] == str(call.caller.user))


def _has(*, status: str | None = None, confirmed: bool | None = None, admin: bool = False) -> "_Test":
    """A test for users with these properties. Without a `status`, any user passes who is not deleted."""

    def test(user: dict[str, Any], _call: Call) -> bool:
        return (
            (user["status"] == status if status else user["status"] != "deleted")
            and (confirmed is None or user["confirm"] == confirmed)
            and (not admin or user["profile"]["name"] == "Administrator")
        )

    return test


_Test = Callable[[dict[str, Any], Call], bool]

TYPES: dict[str, _Test] = {
    "AllUsers": _has(),
    "ActiveUsers": _has(status="active"),
    "DeactiveUsers": _has(status="inactive"),
    "ConfirmedUsers": _has(confirmed=True),
    "NotConfirmedUsers": _has(confirmed=False),
    "DeletedUsers": _has(status="deleted"),
    "ActiveConfirmedUsers": _has(status="active", confirmed=True),
    "AdminUsers": _has(admin=True),
    "ActiveConfirmedAdmins": _has(status="active", confirmed=True, admin=True),
    "CurrentUser": _is_current,
}


def list_users(call: Call) -> Response:
    page, size = page_and_size(call.params)
    since = since_header(call)
    users = _of_type(call)
    if "ids" in call.params:
        ids = set(id_list(call.params, "ids"))
        users = [user for user in users if user.id in ids]
    if since is not None:
        users = [user for user in users if (instant(user.body["Modified_Time"]) or 0) >= since]
    shown, info = page_of(users, page, size)
    if not shown:
        return no_content() if since is None else Response(304)
    return answer({"users": [_shown(user) for user in shown], "info": info})


def count_users(call: Call) -> Response:
    return answer({"count": len(_of_type(call))})


def get_user(call: Call) -> Response:
    user = document_in_path(call, "user", 1)
    return answer({"users": [_shown(user) | _ONLY_IN_GET]}) if user else no_content()


def _of_type(call: Call) -> list[Document]:
    test = TYPES[one_of(call.params, "type", TYPES, "AllUsers")]
    return [user for user in call.organisation.metadata.all("user") if test(user.body, call)]


def _shown(user: Document) -> dict[str, Any]:
    return {**_SHARED, **user.body}


_READ = ("ZohoCRM.users.READ",)

ROUTES = (
    Route("GET", "/crm/v8/users", list_users, _READ),
    Route("GET", "/crm/v8/users/{id}", get_user, _READ),
    Route("GET", "/crm/v8/users/actions/count", count_users, _READ),
)
