"""How duplicates are looked for among the records of other modules: no module has such a preference."""

from moorage.crm.api.documents import module_parameter
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def get_preference(call: Call) -> Response:
    module_parameter(call)
    return no_content()


_READ = ("ZohoCRM.settings.duplicate_check_preference.READ",)

ROUTES = (Route("GET", "/crm/v8/settings/duplicate_check_preference", get_preference, _READ),)
