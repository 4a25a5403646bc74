"""The e-mails of a record, listed and read [Z get-emails]. Source of `email_available`: [Z associate-email]."""

from collections.abc import Sequence
from typing import Any

import msgspec

from moorage.crm.api.emails.gathering import MOST_LISTED, Listed, found, gathered, is_there, wanted_type
from moorage.crm.faults import param_invalid, param_missing
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import readable, visible_with
from moorage.crm.records.emails import (
    KIND,
    Address,
    email_of,
    summary,
)
from moorage.crm.records.outcomes import user_details
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.companions import CompanionsOf
from moorage.crm.storage.contract.records import Ids, Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

PER_PAGE = 10


async def list_emails(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    first, wanted = _index(call), wanted_type(call, module)
    if not await is_there(call, module, record):
        return no_content()
    emails = await gathered(call, module, record, wanted)
    shown = emails[first : first + PER_PAGE]
    if not shown:
        return no_content()
    more = len(emails) > first + PER_PAGE
    info = {
        "count": len(shown),
        "next_index": str(first + PER_PAGE) if more else None,
        "prev_index": str(max(first - PER_PAGE, 0)) if first else None,
        "per_page": PER_PAGE,
        "more_records": more,
    }
    return answer({"Emails": [_shown(call, email) for email in shown], "info": info})


async def get_email(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    listed = await found(call, module, record, call.path["message_id"])
    if listed is None:
        return no_content()
    info = {"count": 1, "next_index": None, "prev_index": None, "per_page": 1, "more_records": False}
    return answer({"Emails": [_whole(call, listed)], "info": info})


async def email_available(call: Call) -> Response:
    """Whether an e-mail that was sent elsewhere is associated with a record already."""
    original = call.params.get("orginal_message_id") or call.params.get("original_message_id")
    if not original:
        raise param_missing("orginal_message_id")
    page = await settled(call.store.companions(CompanionsOf(KIND, name=original), Window(1)))
    for companion in page.companions:
        module = call.organisation.catalog.modules.get(email_of(companion).module)
        if module is not None and await _may_be_seen(call, module, companion.owner):
            call.require("ZohoCRM.modules.{module}.READ", module.api_name)
            record = {"module": module.reference, "id": str(companion.owner)}
            return answer({"available": True, "record": {**record, "linked_record": record}})
    return answer({"available": False})


async def _may_be_seen(call: Call, module: Module, record: int) -> bool:
    return await call.store.count(module, [Ids((record,)), *visible_with(call, module)]) > 0


def _index(call: Call) -> int:
    text = call.params.get("index", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_LISTED))):
        raise param_invalid("index")
    return int(text)


def _shown(call: Call, listed: Listed) -> dict[str, Any]:
    email = listed.email
    return {
        "cc": _addresses(email.cc),
        "summary": summary(email.content, is_html=email.mail_format == "html"),
        "owner": user_details(call.organisation, email.user),
        "read": True,
        "sent": email.is_sent,
        "subject": email.subject,
        "activity_info": None,
        "intent": None,
        "sentiment_info": None,
        "emotion": None,
        "message_id": email.message_id,
        "source": email.source,
        "linked_record": {"id": str(listed.record), "name": None, "module": listed.module.reference},
        "sent_time": zoned(call.organisation.zone, email.time),
        "time": zoned(call.organisation.zone, email.time),
        "from": msgspec.to_builtins(email.sender),
        "to": _addresses(email.to),
        "status": [{"type": listed.state, "bounced_time": None, "bounced_reason": None}],
        "has_attachment": bool(email.attachments),
        "has_thread_attachment": bool(email.attachments),
    }


def _whole(call: Call, listed: Listed) -> dict[str, Any]:
    email = listed.email
    reply_to = msgspec.to_builtins(email.reply_to)
    attachments = [{"id": each.id, "name": each.name, "size": str(each.size)} for each in email.attachments]
    return {
        **_shown(call, listed),
        "bcc": _addresses(email.bcc),
        "reply_to": reply_to,
        "content": email.content,
        "mail_format": email.mail_format,
        "editable": False,
        "attachments": attachments,
    }


def _addresses(all_addresses: Sequence[Address]) -> Any:
    return msgspec.to_builtins(list(all_addresses))


_EMAILS = "/crm/v8/{module}/{id}/Emails"
_READ = ("ZohoCRM.modules.{module}.READ", "ZohoCRM.modules.emails.READ")

ROUTES = (
    Route("GET", _EMAILS, list_emails, _READ),
    Route("GET", f"{_EMAILS}/{{message_id}}", get_email, _READ),
    Route("GET", "/crm/v8/actions/email_available", email_available, ("ZohoCRM.modules.emails.READ",)),
)
