"""The organisation's own details [Z get-org-data]."""

from moorage.crm.api.documents import encoded_once
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def get_organisation(call: Call) -> Response:
    return encoded_once(call, "org", lambda: {"org": [call.organisation.metadata.org]})


ROUTES = (Route("GET", "/crm/v8/org", get_organisation, ("ZohoCRM.org.READ",)),)
