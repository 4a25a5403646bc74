"""The organisation's own details [Z get-org-data]."""

from moorage.crm.api.documents import encoded_once
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


async def get_organisation(call: Call) -> Response:
    organisation = call.organisation
    files = await call.store.files.owned_by([organisation.id])
    for photo in files.get(organisation.id, []):
        return answer({"org": [{**organisation.metadata.org, "photo_id": photo.key}]})
    return encoded_once(call, "org", lambda: {"org": [organisation.metadata.org]})


ROUTES = (Route("GET", "/crm/v8/org", get_organisation, ("ZohoCRM.org.READ",)),)
