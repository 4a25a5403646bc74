"""E-mails are sent from a record into the outbox of its organisation, or come from elsewhere [Z send-mail].

Source: [Z associate-email].
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from moorage.crm.api.items import each_outcome, outcomes_answer, specs_of
from moorage.crm.faults import related_id_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.records.access import writable
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
    from_addresses,
    mail_format,
    moment,
    new_message_id,
    refuse_templates,
    required_address,
    with_images,
)
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.records.reading import record_id
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.call import Call
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_AT_ONCE = 10
MAX_BODY = 4 * 1024 * 1024
MAX_MESSAGE_ID = 250


async def send_mail(call: Call) -> Response:
    more: dict[str, Any] = {"blocked_email_addresses": []}
    return await _put_each(call, "data", _sent, "Your mail has been sent successfully.", more)


async def associate(call: Call) -> Response:
    return await _put_each(call, "Emails", _associated, "Email associated successfully", done=201)


async def _put_each(
    call: Call,
    name: str,
    read: Callable[[Call, Module, Transaction, JsonObject, int], Email],
    message: str,
    details: Mapping[str, Any] = MappingProxyType({}),
    *,
    done: int = 200,
) -> Response:
    """Each e-mail succeeds or fails alone. Raises the Fault of a record that does not exist."""
    module, record = writable(call, "editable"), record_id(call)
    specs = await specs_of(call, name, MOST_AT_ONCE)

    def put(transaction: Transaction, spec: JsonObject) -> Outcome:
        companion = transaction.new_ids(1)[0]
        email = read(call, module, transaction, spec, companion)
        transaction.companions.put([companion_of(email, companion, record)])
        return succeeded({"message_id": email.message_id, **details}, message)

    def job(transaction: Transaction) -> list[Outcome]:
        if not transaction.existing(module, [record]):
            raise related_id_invalid()
        return each_outcome(specs, partial(put, transaction))

    return outcomes_answer(name, await call.store.write(job), done=done)


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
    content, images = _content(call, transaction, spec, companion)
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
        content=content,
        mail_format=mail_format(spec),
        time=scheduled or transaction.now,
        created=transaction.now,
        in_reply_to=reply.text("message_id", MAX_MESSAGE_ID) if reply is not None else None,
        attachments=attached(transaction, spec, companion, call.caller.user),
        images=images,
    )


def _associated(
    call: Call, module: Module, transaction: Transaction, spec: JsonObject, companion: int
) -> Email:
    """An e-mail that was sent or received elsewhere. Each `original_message_id` is associated once."""
    original = spec.text("original_message_id", MAX_MESSAGE_ID)
    if original is None:
        raise spec.missing("original_message_id")
    if transaction.companions.named(KIND, [original]):
        raise spec.fault("DUPLICATE_DATA", "duplicate data", "original_message_id")
    time = moment(spec, "date_time")
    spec.require("sent", "date_time")
    assert time is not None
    content, images = _content(call, transaction, spec, companion)
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
        content=content,
        mail_format=mail_format(spec),
        time=time,
        created=transaction.now,
        source="associated",
        is_sent=spec.boolean("sent"),
        original_message_id=original,
        attachments=attached(transaction, spec, companion, call.caller.user),
        images=images,
    )


def _content(
    call: Call, transaction: Transaction, spec: JsonObject, companion: int
) -> tuple[str | None, list[str]]:
    """The content, and the keys of its images."""
    content = spec.text("content", LONGEST_CONTENT)
    if mail_format(spec) != "html":
        return content, []
    return with_images(transaction, content, companion, call.caller.user)


def _recipients(spec: JsonObject) -> list[Address]:
    recipients = addresses(spec, "to")
    if not recipients:
        raise spec.missing("to")
    return recipients


_ACTIONS = "/crm/v8/{module}/{id}/actions"
_ASSOCIATE = ("ZohoCRM.modules.{module}.UPDATE", "ZohoCRM.modules.emails.CREATE")

ROUTES = (
    Route(
        "POST",
        f"{_ACTIONS}/send_mail",
        send_mail,
        ("ZohoCRM.send_mail.{module}.CREATE",),
        max_body=MAX_BODY,
    ),
    Route("POST", f"{_ACTIONS}/associate_email", associate, _ASSOCIATE, max_body=MAX_BODY),
)
