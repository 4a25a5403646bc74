"""Territories: an organisation has none yet, and says so."""

from moorage.crm.faults import invalid_id
from moorage.crm.metadata.ids import whole_id
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_territories(call: Call) -> Response:  # noqa: ARG001 (no parameter changes the answer)
    return no_content()


def get_territory(call: Call) -> Response:
    if whole_id(call.path["id"]) is None:
        raise invalid_id(2)
    return no_content()


_READ = ("ZohoCRM.settings.territories.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/territories", list_territories, _READ),
    Route("GET", "/crm/v8/settings/territories/{id}", get_territory, _READ),
)
