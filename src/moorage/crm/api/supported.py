"""Which calls there are, made of the routes themselves [Z apis-list]."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from moorage.crm.faults import param_invalid
from moorage.crm.wire.call import JSON, Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

PATH = "/crm/v8/__apis"
# The least and the most credits that Zoho takes for a call; for all others it is one [Z api-limits].
_CREDITS = {
    ("POST", "/crm/v8/{module}"): (1, 10),
    ("PUT", "/crm/v8/{module}"): (1, 10),
    ("POST", "/crm/v8/{module}/upsert"): (1, 10),
    ("POST", "/crm/v8/coql"): (1, 3),
    ("POST", "/crm/v8/{module}/{id}/actions/convert"): (5, 5),
    ("POST", "/crm/v8/Leads/{id}/actions/convert"): (5, 5),
    ("POST", "/crm/bulk/v8/read"): (50, 50),
    ("POST", "/crm/bulk/v8/write"): (500, 500),
}


def supported_route(routes: Sequence[Route]) -> Route:
    """The route that tells of these routes, and of itself."""
    body = b""

    def list_apis(call: Call) -> Response:
        return no_content() if _excludes_all(call) else Response(200, body, JSON)

    route = Route("GET", PATH, list_apis, ("ZohoCRM.settings.modules.READ",))
    body = msgspec.json.encode({"__apis": _listed([*routes, route])})
    return route


def _listed(routes: Iterable[Route]) -> list[dict[str, Any]]:
    by_path: dict[str, list[dict[str, Any]]] = {}
    for route in routes:
        least, most = _CREDITS.get((route.method, route.pattern), (1, 1))
        operation = {
            "method": route.method,
            "oauth_scope": ",".join(route.scopes),
            "max_credits": most,
            "min_credits": least,
        }
        by_path.setdefault(route.pattern, []).append(operation)
    return [{"path": path, "operation_types": by_path[path]} for path in sorted(by_path)]


def _excludes_all(call: Call) -> bool:
    """Whether `filters` asks for another status than `Active`, which every call has. Raises the Fault of others."""
    text = call.params.get("filters")
    if text is None:
        return False
    try:
        asked = msgspec.json.decode(text, type=_Filter)
    except (msgspec.MsgspecError, RecursionError):
        raise param_invalid("filters", expected_data_type="jsonobject") from None
    if asked.field.api_name != "status" or asked.comparator not in {"equals", "equal"}:
        raise param_invalid("filters", supported_values=["status"])
    return asked.value.lower() != "active"


class _Field(msgspec.Struct):
    api_name: str


class _Filter(msgspec.Struct):
    field: _Field
    comparator: str
    value: str
