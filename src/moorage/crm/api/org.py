"""The organisation's own details."""

from moorage.crm.api.documents import encoded_once
from moorage.crm.call import Call
from moorage.crm.routing import Route
from moorage.http.message import Response


def get_organisation(call: Call) -> Response:
    return encoded_once(call, "org", lambda: {"org": [call.organisation.metadata.org]})


ROUTES = (Route("GET", "org", get_organisation, ("ZohoCRM.org.READ",)),)
