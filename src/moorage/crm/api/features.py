"""Features of an organisation that have limits [Z description]: how many users it may have is the only one here."""

from moorage.crm.api.documents import module_parameter
from moorage.crm.api.user_changes import MOST_USERS
from moorage.crm.metadata.documents import Body
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import MAX_PAGE_SIZE, page_of
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

NAME, USERS = "__features", "user_licenses"


def list_features(call: Call) -> Response:
    names = [name.strip() for name in call.params.get("api_names", USERS).split(",")]
    return _answer(call, is_asked=USERS in names)


def get_feature(call: Call) -> Response:
    return _answer(call, is_asked=False)


def get_users(call: Call) -> Response:
    return _answer(call, is_asked=True)


def list_enrichments(call: Call) -> Response:  # noqa: ARG001 (nothing changes the answer)
    return _page([])


def _answer(call: Call, *, is_asked: bool) -> Response:
    if "module" in call.params:
        module_parameter(call)
        return no_content()  # No limit is one of a module.
    return _page([_users(call)]) if is_asked else no_content()


def _users(call: Call) -> Body:
    used = len(call.organisation.metadata.all("user"))
    return {
        "api_name": USERS,
        "parent_feature": None,
        "module_supported": False,
        "details": {
            "available_count": _both(MOST_USERS - used),
            "limits": _both(MOST_USERS),
            "used_count": _both(used),
        },
        "feature_label": "User Licenses",
        "components": [],
    }


def _both(count: int) -> Body:
    return {"total": count, "edition_limit": count}


def _page(features: list[Body]) -> Response:
    shown, info = page_of(features, 1, MAX_PAGE_SIZE)
    return answer({NAME: shown, "info": info})


_PATH, _READ = f"/crm/v8/{NAME}", ("ZohoCRM.settings.modules.READ",)

ROUTES = (
    Route("GET", _PATH, list_features, _READ),
    Route("GET", f"{_PATH}/data_enrichment", list_enrichments, _READ),
    Route("GET", f"{_PATH}/{USERS}", get_users, _READ),
    Route("GET", f"{_PATH}/{{name}}", get_feature, _READ),
)
