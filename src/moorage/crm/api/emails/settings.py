"""Settings of e-mails: the addresses to send from [Z from-addresses], and templates [Z email-templates]."""

from moorage.crm.faults import param_invalid
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.spelling import unknown_module
from moorage.crm.records.emails import from_addresses
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.parameters import page_and_size, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_addresses(call: Call) -> Response:
    """Those of the caller, or of the user that is named."""
    text = call.params.get("user_id")
    user = call.organisation.metadata.find("user", (whole_id(text) or 0) if text else call.caller.user)
    if user is None:
        raise param_invalid("user_id")
    return answer({"from_addresses": list(from_addresses(user))})


def list_templates(call: Call) -> Response:
    """An organisation has none: no call of the API makes any."""
    page_and_size(call.params)
    module = call.params.get("module")
    if module is not None and module not in call.organisation.catalog.modules:
        raise unknown_module(call.organisation.metadata, module, {"param_name": "module"})
    return no_content()


def get_template(call: Call) -> Response:
    path_id(call.path, 2, "template")
    return no_content()


_TEMPLATES, _TEMPLATE_SCOPES = "/crm/v8/settings/email_templates", ("ZohoCRM.templates.email.READ",)

ROUTES = (
    Route(
        "GET",
        "/crm/v8/settings/emails/actions/from_addresses",
        list_addresses,
        ("ZohoCRM.settings.emails.READ",),
    ),
    Route("GET", _TEMPLATES, list_templates, _TEMPLATE_SCOPES),
    Route("GET", f"{_TEMPLATES}/{{template}}", get_template, _TEMPLATE_SCOPES),
)
