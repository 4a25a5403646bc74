"""Business hours: nobody has set any, and that is what an organisation says."""

from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def get_hours(call: Call) -> Response:  # noqa: ARG001 (no parameter changes the answer)
    return no_content()


ROUTES = (
    Route("GET", "/crm/v8/settings/business_hours", get_hours, ("ZohoCRM.settings.business_hours.READ",)),
)
