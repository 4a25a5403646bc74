"""Territories: an organisation has none yet, and says so."""

from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_territories(call: Call) -> Response:  # noqa: ARG001 (no parameter changes the answer)
    return no_content()


def get_territory(call: Call) -> Response:
    path_id(call.path, 2)
    return no_content()


_READ = ("ZohoCRM.settings.territories.READ",)

ROUTES = (
    Route("GET", "/crm/v8/settings/territories", list_territories, _READ),
    Route("GET", "/crm/v8/settings/territories/{id}", get_territory, _READ),
)
