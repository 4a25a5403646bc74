"""Territories: an organisation has none yet, and says so."""

from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_territories(call: Call) -> Response:  # noqa: ARG001 (no parameter changes the answer)
    return no_content()


ROUTES = (
    Route("GET", "/crm/v8/settings/territories", list_territories, ("ZohoCRM.settings.territories.READ",)),
)
