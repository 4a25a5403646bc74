"""E-mails of a record: sent into the organisation's own outbox, associated, listed and read [Z send-mail].

Sources: [Z get-emails], [Z associate-email].
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from moorage.crm.api.items import outcomes_answer, specs_of, success
from moorage.crm.faults import Fault, param_invalid, param_missing, related_id_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import readable, writable
from moorage.crm.records.emails import (
    KIND,
    LONGEST_CONTENT,
    LONGEST_SUBJECT,
    Address,
    Email,
    address,
    addresses,
    attached,
    companion_of,
    email_of,
    from_addresses,
    mail_format,
    missing,
    moment,
    new_message_id,
    refuse_templates,
    required_address,
    summary,
)
from moorage.crm.records.outcomes import user_details
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.companions import CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

PER_PAGE = 10
MOST_LISTED = 2000  # E-mails of a record that a list looks at, the newest first.
MOST_AT_ONCE = 10
MAX_BODY = 4 * 1024 * 1024
MAX_MESSAGE_ID = 250
TYPES = ("sent_from_crm", "scheduled_in_crm", "user_emails")


async def send_mail(call: Call) -> Response:
    module, record = writable(call, "editable"), record_id(call)
    specs = await specs_of(call, "data", MOST_AT_ONCE)

    def send(transaction: Transaction, spec: JsonObject) -> dict[str, Any]:
        companion = transaction.new_ids(1)[0]
        email = _sent(call, module, transaction, spec, companion)
        transaction.companions.put([companion_of(email, companion, record)])
        details = {"message_id": email.message_id, "blocked_email_addresses": []}
        return success(details, "Your mail has been sent successfully.")

    return outcomes_answer("data", await _each(call, module, record, specs, send))


async def associate(call: Call) -> Response:
    module, record = writable(call, "editable"), record_id(call)
    specs = await specs_of(call, "Emails", MOST_AT_ONCE)

    def put(transaction: Transaction, spec: JsonObject) -> dict[str, Any]:
        companion = transaction.new_ids(1)[0]
        email = _associated(call, module, transaction, spec, companion)
        transaction.companions.put([companion_of(email, companion, record)])
        return success({"message_id": email.message_id}, "Email associated successfully")

    return outcomes_answer("Emails", await _each(call, module, record, specs, put), done=201)


async def _each(
    call: Call,
    module: Module,
    record: int,
    specs: Sequence[JsonObject],
    put: Callable[[Transaction, JsonObject], dict[str, Any]],
) -> list[dict[str, Any]]:
    """Each e-mail succeeds or fails alone. Raises the Fault of a record that does not exist."""

    def job(transaction: Transaction) -> list[dict[str, Any]]:
        if not transaction.existing(module, [record]):
            raise related_id_invalid()
        outcomes = []
        for spec in specs:
            try:
                outcomes.append(put(transaction, spec))
            except Fault as fault:
                outcomes.append(fault.document())
        return outcomes

    return await call.store.write(job)


def _sent(call: Call, module: Module, transaction: Transaction, spec: JsonObject, companion: int) -> Email:
    sender = required_address(spec, "from")
    user = call.organisation.metadata.find("user", call.caller.user)
    allowed = [own["email"] for own in from_addresses(user)] if user is not None else []
    if sender.email.lower() not in {email.lower() for email in allowed}:
        raise JsonObject({}, f"{spec.path}.from").invalid("email")
    refuse_templates(spec)
    spec.boolean("org_email")
    spec.boolean("consent_email")
    scheduled = moment(spec, "scheduled_time")
    if scheduled is not None and scheduled <= transaction.now:
        raise spec.invalid("scheduled_time")
    reply = spec.inner("in_reply_to")
    return Email(
        message_id=new_message_id(),
        module=module.api_name,
        user=call.caller.user,
        sender=sender,
        to=_recipients(spec),
        cc=addresses(spec, "cc"),
        bcc=addresses(spec, "bcc"),
        reply_to=address(spec, "reply_to"),
        subject=spec.text("subject", LONGEST_SUBJECT),
        content=spec.text("content", LONGEST_CONTENT),
        mail_format=mail_format(spec),
        time=scheduled or transaction.now,
        created=transaction.now,
        in_reply_to=reply.text("message_id", MAX_MESSAGE_ID) if reply is not None else None,
        attachments=attached(transaction, spec, companion, call.caller.user),
    )


def _associated(
    call: Call, module: Module, transaction: Transaction, spec: JsonObject, companion: int
) -> Email:
    """An e-mail that was sent or received elsewhere. Each `original_message_id` is associated once."""
    original = spec.text("original_message_id", MAX_MESSAGE_ID)
    if original is None:
        raise missing(spec, "original_message_id")
    if transaction.companions.named(KIND, [original]):
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "original_message_id")
    time = moment(spec, "date_time")
    for name in ("sent", "date_time"):
        if name not in spec:
            raise missing(spec, name)
    assert time is not None
    return Email(
        message_id=new_message_id(),
        module=module.api_name,
        user=call.caller.user,
        sender=required_address(spec, "from"),
        to=_recipients(spec),
        cc=addresses(spec, "cc"),
        bcc=addresses(spec, "bcc"),
        reply_to=None,
        subject=spec.text("subject", LONGEST_SUBJECT),
        content=spec.text("content", LONGEST_CONTENT),
        mail_format=mail_format(spec),
        time=time,
        created=transaction.now,
        source="associated",
        is_sent=spec.boolean("sent"),
        original_message_id=original,
        attachments=attached(transaction, spec, companion, call.caller.user),
    )


def _recipients(spec: JsonObject) -> list[Address]:
    recipients = addresses(spec, "to")
    if not recipients:
        raise missing(spec, "to")
    return recipients


# Reading


async def list_emails(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    wanted = call.params.get("type")
    if wanted is not None and wanted not in TYPES:
        raise param_invalid("type", supported_values=list(TYPES))
    first = _index(call)
    if not await _is_there(call, module, record):
        return no_content()
    emails = [email for email in await _emails_of(call, module, record) if _is_of_type(call, email, wanted)]
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
    return answer({"Emails": [_shown(call, module, record, email) for email in shown], "info": info})


async def get_email(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    if not await _is_there(call, module, record):
        return no_content()
    for email in await _emails_of(call, module, record):
        if email.message_id == call.path["message_id"]:
            info = {"count": 1, "next_index": None, "prev_index": None, "per_page": 1, "more_records": False}
            return answer({"Emails": [_whole(call, module, record, email)], "info": info})
    return no_content()


async def email_available(call: Call) -> Response:
    """Whether an e-mail that was sent elsewhere is associated with a record already."""
    original = call.params.get("orginal_message_id") or call.params.get("original_message_id")
    if not original:
        raise param_missing("orginal_message_id")
    page = await settled(call.store.companions(CompanionsOf(KIND, name=original), Window(1)))
    for companion in page.companions:
        module = call.organisation.catalog.modules.get(email_of(companion).module)
        if module is not None and await _is_there(call, module, companion.owner):
            call.require("ZohoCRM.modules.{module}.READ", module.api_name)
            record = {"module": _reference(module), "id": str(companion.owner)}
            return answer({"available": True, "record": {**record, "linked_record": record}})
    return answer({"available": False})


async def _is_there(call: Call, module: Module, record: int) -> bool:
    return await settled(call.store.record(module, shape(module, ["id"]), record)) is not None


async def _emails_of(call: Call, module: Module, record: int) -> list[Email]:
    """The newest first."""
    which = CompanionsOf(KIND, owner=record, newest_first=True)
    page = await settled(call.store.companions(which, Window(MOST_LISTED)))
    emails = [email_of(companion) for companion in page.companions]
    return [email for email in emails if email.module == module.api_name]


def _is_of_type(call: Call, email: Email, wanted: str | None) -> bool:
    match wanted:
        case "scheduled_in_crm":
            return email.is_scheduled(call.now)
        case "sent_from_crm":
            return email.source == "crm" and not email.is_scheduled(call.now)
        case "user_emails":
            owner = call.params.get("owner_id")
            user = call.caller.user if owner is None else whole_id(owner)
            return email.user == user and not email.is_scheduled(call.now)
        case _:
            return not email.is_scheduled(call.now)


def _index(call: Call) -> int:
    text = call.params.get("index", "0")
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(MOST_LISTED))):
        raise param_invalid("index")
    return int(text)


def _shown(call: Call, module: Module, record: int, email: Email) -> dict[str, Any]:
    kind = "scheduled" if email.is_scheduled(call.now) else "sent"
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
        "linked_record": {"id": str(record), "name": None, "module": _reference(module)},
        "sent_time": zoned(call.organisation.zone, email.time),
        "time": zoned(call.organisation.zone, email.time),
        "from": msgspec.to_builtins(email.sender),
        "to": _addresses(email.to),
        "status": [{"type": kind, "bounced_time": None, "bounced_reason": None}],
        "has_attachment": bool(email.attachments),
        "has_thread_attachment": bool(email.attachments),
    }


def _whole(call: Call, module: Module, record: int, email: Email) -> dict[str, Any]:
    reply_to = msgspec.to_builtins(email.reply_to)
    attachments = [{"id": each.id, "name": each.name, "size": str(each.size)} for each in email.attachments]
    return {
        **_shown(call, module, record, email),
        "bcc": _addresses(email.bcc),
        "reply_to": reply_to,
        "content": email.content,
        "mail_format": email.mail_format,
        "editable": False,
        "attachments": attachments,
    }


def _addresses(all_addresses: Sequence[Address]) -> Any:
    return msgspec.to_builtins(list(all_addresses))


def _reference(module: Module) -> dict[str, str]:
    return {"api_name": module.api_name, "id": str(module.id)}


_EMAILS = "/crm/v8/{module}/{id}/Emails"
_READ = ("ZohoCRM.modules.{module}.READ", "ZohoCRM.modules.emails.READ")

ROUTES = (
    Route(
        "POST",
        "/crm/v8/{module}/{id}/actions/send_mail",
        send_mail,
        ("ZohoCRM.send_mail.{module}.CREATE",),
        max_body=MAX_BODY,
    ),
    Route("GET", _EMAILS, list_emails, _READ),
    Route("GET", f"{_EMAILS}/{{message_id}}", get_email, _READ),
    Route(
        "POST",
        "/crm/v8/{module}/{id}/actions/associate_email",
        associate,
        ("ZohoCRM.modules.{module}.UPDATE", "ZohoCRM.modules.emails.CREATE"),
        max_body=MAX_BODY,
    ),
    Route("GET", "/crm/v8/actions/email_available", email_available, ("ZohoCRM.modules.emails.READ",)),
)
