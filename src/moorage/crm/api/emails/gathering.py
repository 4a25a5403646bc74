"""Which e-mails a list shows: those of a record, or of all contacts of an account or a deal [Z get-emails]."""

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from moorage.crm.api.emails.drafts import Draft, draft_of
from moorage.crm.faults import param_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.records.access import visible_with
from moorage.crm.records.emails import DRAFT, KIND, Address, Email, email_of
from moorage.crm.records.related import related_list
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Order, Window
from moorage.crm.wire.call import Call, settled

MOST_LISTED = 2000  # E-mails that a list looks at, the newest first.
MOST_CONTACTS = 200  # Of an account or a deal, the newest first.
_OF_CONTACTS = {
    "all_contacts_sent_crm_emails": "sent_from_crm",
    "all_contacts_scheduled_crm_emails": "scheduled_in_crm",
    "all_contacts_draft_crm_emails": "drafts",
}
TYPES = ("sent_from_crm", "scheduled_in_crm", "drafts", "user_emails", *_OF_CONTACTS)
_ANY = "any"  # No type of lists.
# The related list with the contacts of a record.
_CONTACTS = {"Accounts": "Contacts", "Deals": "Contact_Roles"}


class Listed(Struct, frozen=True):
    """An e-mail with its record. `state` is `sent`, `scheduled` or `draft`."""

    record: int
    module: Module
    email: Email
    state: str


def available_types(module: Module) -> list[str]:
    return [name for name in TYPES if name not in _OF_CONTACTS or module.api_name in _CONTACTS]


def wanted_type(call: Call, module: Module) -> str | None:
    """Raises the Fault of a type that the records of the module have not."""
    wanted = call.params.get("type")
    if wanted is not None and wanted not in available_types(module):
        raise param_invalid("type", supported_values=available_types(module))
    return wanted


async def is_there(call: Call, module: Module, record: int) -> bool:
    return await settled(call.store.record(module, shape(module, ["id"]), record)) is not None


async def found(call: Call, module: Module, record: int, message: str) -> Listed | None:
    """An e-mail of a record."""
    if not await is_there(call, module, record):
        return None
    for listed in await _of(call, module, [record], _ANY):
        if listed.email.message_id == message:
            return listed
    return None


async def gathered(call: Call, module: Module, record: int, wanted: str | None) -> list[Listed]:
    """The e-mails of the list of a type, the newest first."""
    if wanted in _OF_CONTACTS:
        contacts = call.organisation.catalog.modules["Contacts"]
        call.require("ZohoCRM.modules.{module}.READ", contacts.api_name)
        return await _of(call, contacts, await _contacts(call, module, record), _OF_CONTACTS[wanted])
    return await _of(call, module, [record], wanted)


async def _contacts(call: Call, module: Module, record: int) -> list[int]:
    related = related_list(call.organisation, module, _CONTACTS[module.api_name])
    if related is None:
        return []
    contacts = related.module
    conditions = [related.condition(record, int(call.now)), *visible_with(call, contacts)]
    order = Order(contacts.fields["id"], descending=True)
    page = await settled(
        call.store.page(contacts, shape(contacts, []), conditions, order, Window(MOST_CONTACTS))
    )
    ids = [int(contact["id"]) for contact in msgspec.json.decode(page.data)]
    if "Contact_Name" in module.fields:  # A deal has a contact of its own beside those with a role.
        shown = await settled(call.store.record(module, shape(module, ["Contact_Name"]), record))
        own = msgspec.json.decode(shown or b"{}").get("Contact_Name")
        ids += [int(own["id"])] if own else []
    return list(dict.fromkeys(ids))


async def _of(call: Call, module: Module, records: Sequence[int], wanted: str | None) -> list[Listed]:
    kind = DRAFT if wanted == "drafts" else KIND
    companions: list[Companion] = []
    for record in records:
        which = CompanionsOf(kind, owner=record, newest_first=True)
        page = await settled(call.store.companions(which, Window(MOST_LISTED // len(records))))
        companions += page.companions
    companions.sort(key=lambda companion: companion.id, reverse=True)
    listed = [_listed(call, module, companion) for companion in companions]
    return [each for each in listed if _is_wanted(call, each, wanted)]


def _listed(call: Call, module: Module, companion: Companion) -> Listed:
    if companion.kind == DRAFT:
        email = _as_email(module, companion.id, draft_of(companion))
        return Listed(companion.owner, module, email, "draft")
    email = email_of(companion)
    return Listed(companion.owner, module, email, "scheduled" if email.is_scheduled(call.now) else "sent")


def _as_email(module: Module, identity: int, draft: Draft) -> Email:
    return Email(
        message_id=str(identity),
        module=module.api_name,
        user=draft.user,
        sender=Address(None, draft.sender),
        to=draft.to,
        cc=draft.cc,
        bcc=draft.bcc,
        reply_to=None if draft.reply_to is None else Address(None, draft.reply_to),
        subject=draft.subject,
        content=draft.content,
        mail_format="html" if draft.rich_text else "text",
        time=draft.modified,
        created=draft.created,
        is_sent=False,
        attachments=draft.attachments,
    )


def _is_wanted(call: Call, listed: Listed, wanted: str | None) -> bool:
    email = listed.email
    match wanted:
        case "any":
            return True
        case "drafts":
            return email.user == call.caller.user  # Nobody else sees them.
        case "scheduled_in_crm":
            return listed.state == "scheduled"
        case "sent_from_crm":
            return listed.state == "sent" and email.source == "crm"
        case "user_emails":
            owner = call.params.get("owner_id")
            user = call.caller.user if owner is None else whole_id(owner)
            return listed.state == "sent" and email.user == user
        case _:
            return listed.state == "sent"
