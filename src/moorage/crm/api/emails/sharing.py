"""Whose e-mails of a record others see [Z get-email-shared-details], and the sharing of e-mails [Z share-emails]."""

from typing import Any

from moorage.crm.api.emails.gathering import available_types, gathered, is_there
from moorage.crm.api.items import outcomes_answer
from moorage.crm.faults import Fault, related_id_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import readable, writable
from moorage.crm.records.outcomes import Outcome, failed, user_details
from moorage.crm.records.reading import record_id
from moorage.crm.wire.body import object_of
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST = 100  # Records in one call.
_NAME = "__emails_sharing_details"


async def details(call: Call) -> Response:
    """Everybody who may read the record reads all its e-mails: so whoever has sent one shares it."""
    module, record = readable(call), record_id(call)
    if not await is_there(call, module, record):
        raise related_id_invalid()
    users = dict.fromkeys(listed.email.user for listed in await gathered(call, module, record, None))
    sharing = [_user(call, user) for user in users if user != call.caller.user]
    return answer({_NAME: [{"share_from_users": sharing, "available_types": available_types(module)}]})


def _user(call: Call, user: int) -> dict[str, Any]:
    return {**(user_details(call.organisation, user) or {"name": None, "id": str(user)}), "type": "public"}


async def share_of_one(call: Call) -> Response:
    module, record = writable(call, "editable"), record_id(call)
    if not await is_there(call, module, record):
        raise related_id_invalid()
    raise _no_account()


async def share_of_many(call: Call) -> Response:
    module, body = writable(call, "editable"), await object_of(call)
    ids = body.raw("ids")
    if ids is None:
        raise Fault(400, "MANDATORY_NOT_FOUND", "expected key is missing", {"api_name": "ids"})
    if not isinstance(ids, list):
        raise body.invalid("ids", expected_data_type="jsonarray")
    if not 0 < len(ids) <= MOST:
        raise body.invalid("ids", maximum_length=MOST)
    return outcomes_answer("data", [await _outcome(call, module, each) for each in ids])


async def _outcome(call: Call, module: Module, value: Any) -> Outcome:
    identity = whole_id(value)
    if identity is None or not await is_there(call, module, identity):
        return failed(Fault(400, "INVALID_DATA", "The id given seems to be invalid", {"id": str(value)}))
    return failed(_no_account())


def _no_account() -> Fault:
    """No user has an account for e-mails that could be shared: what is sent lies in the organisation's outbox."""
    return Fault(400, "NOT_ALLOWED", "Email Configuration does not exist")


_READ = ("ZohoCRM.modules.{module}.READ", "ZohoCRM.modules.emails.READ")
_SHARE = ("ZohoCRM.modules.{module}.CREATE",)

ROUTES = (
    Route("GET", f"/crm/v8/{{module}}/{{id}}/{_NAME}", details, _READ),
    *(
        Route("POST", f"/crm/v8/{{module}}{record}/actions/{action}", handler, _SHARE)
        for action in ("share_emails", "unshare_emails")
        for record, handler in (("", share_of_many), ("/{id}", share_of_one))
    ),
)
