"""Drafts of e-mails to a record, which the user who writes them makes, changes, deletes and reads [Z email-drafts]."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from moorage.crm.api.items import each_outcome, outcomes_answer, specs_of
from moorage.crm.faults import Fault, invalid_id, related_id_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.times import zoned
from moorage.crm.records.access import readable, writable
from moorage.crm.records.emails import (
    DRAFT,
    LONGEST_ADDRESS,
    LONGEST_CONTENT,
    LONGEST_SUBJECT,
    Address,
    Attachment,
    addresses,
    attached,
    moment,
    refuse_templates,
    summary,
)
from moorage.crm.records.outcomes import Outcome, succeeded
from moorage.crm.records.reading import record_id
from moorage.crm.records.values import EMAIL
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Transaction, Window
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.parameters import path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST_DRAFTS = 50  # Of a record.
MOST_AT_ONCE = 10
MAX_BODY = 4 * 1024 * 1024
_NAME = "__email_drafts"
_PLACE = 3  # Of a draft's id among the segments of the path.


class Draft(Struct, frozen=True):
    """Times are in seconds."""

    user: int
    created: int
    modified: int
    sender: str
    to: list[Address] = []
    cc: list[Address] = []
    bcc: list[Address] = []
    reply_to: str | None = None
    subject: str | None = None
    content: str | None = None
    rich_text: bool = True
    email_opt_out: bool = False
    scheduled: int | None = None
    attachments: list[Attachment] = []


async def create_drafts(call: Call) -> Response:
    def create(drafts: "_Drafts", spec: JsonObject) -> Outcome:
        return succeeded({"id": str(drafts.create(spec))}, "draft created successfully")

    return await _change(call, await specs_of(call, _NAME, MOST_AT_ONCE), create, done=201)


async def update_drafts(call: Call) -> Response:
    def update(drafts: "_Drafts", spec: JsonObject) -> Outcome:
        spec.require("id")
        draft = whole_id(spec.raw("id"))
        return drafts.update(draft or 0, spec, spec.invalid("id"))

    return await _change(call, await specs_of(call, _NAME, MOST_AT_ONCE), update)


async def update_draft(call: Call) -> Response:
    draft, specs = _draft_id(call), await specs_of(call, _NAME, 1)
    return await _change(call, specs, lambda drafts, spec: drafts.update(draft, spec, invalid_id(_PLACE)))


async def delete_draft(call: Call) -> Response:
    draft, module, record = _draft_id(call), writable(call, "editable"), record_id(call)

    def job(transaction: Transaction) -> None:
        _Drafts(call, module, record, transaction).delete(draft)

    await call.store.write(job)
    return answer({_NAME: [succeeded({"id": str(draft)}, "draft deleted successfully").document]})


async def list_drafts(call: Call) -> Response:
    drafts = await _own_drafts(call)
    return answer({_NAME: [_shown(call, *each) for each in drafts]}) if drafts else no_content()


async def get_draft(call: Call) -> Response:
    wanted = _draft_id(call)
    drafts = [each for each in await _own_drafts(call) if each[0] == wanted]
    return answer({_NAME: [_shown(call, *each) for each in drafts]}) if drafts else no_content()


async def _own_drafts(call: Call) -> Sequence[tuple[int, Draft]]:
    """The caller's drafts to the record, the newest first; none if there is no such record."""
    module, record = readable(call), record_id(call)
    if await settled(call.store.record(module, shape(module, ["id"]), record)) is None:
        return ()
    which = CompanionsOf(DRAFT, owner=record, newest_first=True)
    page = await settled(call.store.companions(which, Window(MOST_DRAFTS)))
    drafts = [(companion.id, draft_of(companion)) for companion in page.companions]
    return [each for each in drafts if each[1].user == call.caller.user]


def _draft_id(call: Call) -> int:
    return path_id(call.path, _PLACE, "draft")


def draft_of(companion: Companion) -> Draft:
    return msgspec.convert(companion.body, Draft)


async def _change(
    call: Call,
    specs: Sequence[JsonObject],
    change: "Callable[[_Drafts, JsonObject], Outcome]",
    *,
    done: int = 200,
) -> Response:
    """Each draft succeeds or fails alone."""
    module, record = writable(call, "editable"), record_id(call)

    def job(transaction: Transaction) -> list[Outcome]:
        return each_outcome(specs, partial(change, _Drafts(call, module, record, transaction)))

    return outcomes_answer(_NAME, await call.store.write(job), done=done)


class _Drafts:
    """The drafts of a record, within a transaction. Raises the Fault of a record that does not exist."""

    def __init__(self, call: Call, module: Module, record: int, transaction: Transaction) -> None:
        if not transaction.existing(module, [record]):
            raise related_id_invalid()
        self._call = call
        self._record = record
        self._transaction = transaction
        kept = transaction.companions.of(DRAFT, [record]).get(record, ())
        self._drafts = {companion.id: draft_of(companion) for companion in kept}

    def create(self, spec: JsonObject) -> int:
        if len(self._drafts) >= MOST_DRAFTS:
            raise Fault(400, "LIMIT_EXCEEDED", "limit exceeded", {"limit": MOST_DRAFTS})
        draft, now = self._transaction.new_ids(1)[0], self._transaction.now
        self._put(draft, Draft(self._call.caller.user, now, now, self._own_address), spec)
        return draft

    def update(self, draft: int, spec: JsonObject, unknown: Fault) -> Outcome:
        """Raises `unknown` if there is no such draft of the caller."""
        self._put(draft, replace(self._require(draft, unknown), modified=self._transaction.now), spec)
        return succeeded({"id": str(draft)}, "draft updated successfully")

    def delete(self, draft: int) -> None:
        self._require(draft, invalid_id(_PLACE))
        self._transaction.files.remove_all_of([draft])
        self._transaction.companions.remove([draft])

    def _require(self, draft: int, unknown: Fault) -> Draft:
        known = self._drafts.get(draft)
        if known is None or known.user != self._call.caller.user:
            raise unknown
        return known

    def _put(self, identity: int, draft: Draft, spec: JsonObject) -> None:
        changed = self._changed(identity, draft, spec)
        self._drafts[identity] = changed
        body = msgspec.to_builtins(changed)
        self._transaction.companions.put([Companion(identity, DRAFT, self._record, body=body)])

    def _changed(self, identity: int, draft: Draft, spec: JsonObject) -> Draft:
        """The draft with the members that the body has."""
        refuse_templates(spec)
        changes: dict[str, Any] = {}
        for name, read in _READERS.items():
            if spec.has_member(name):
                changes[name] = read(spec, name)
        if "from" in spec:
            changes["sender"] = self._sender(spec)
        if spec.has_member("schedule_details"):
            details = spec.inner("schedule_details")
            changes["scheduled"] = moment(details, "time") if details is not None else None
        if spec.has_member("attachments"):
            self._transaction.files.remove_all_of([identity])
            user = self._call.caller.user
            changes["attachments"] = attached(self._transaction, spec, identity, user)
        return replace(draft, **changes)

    def _sender(self, spec: JsonObject) -> str:
        text = _address_text(spec, "from")
        if text is None or text.lower() != self._own_address.lower():
            raise spec.invalid("from")
        return text

    @property
    def _own_address(self) -> str:
        user = self._call.organisation.metadata.find("user", self._call.caller.user)
        return str(user.body["email"]) if user is not None else ""


def _address_text(spec: JsonObject, name: str) -> str | None:
    text = spec.text(name, LONGEST_ADDRESS)
    if text is not None and not EMAIL.fullmatch(text):
        raise spec.invalid(name, expected_data_type="email")
    return text


# Members that are read alone, each with its reader.
_READERS: dict[str, Callable[[JsonObject, str], Any]] = {
    "to": addresses,
    "cc": addresses,
    "bcc": addresses,
    "reply_to": _address_text,
    "subject": lambda spec, name: spec.text(name, LONGEST_SUBJECT),
    "content": lambda spec, name: spec.text(name, LONGEST_CONTENT),
    "rich_text": lambda spec, name: spec.boolean(name, default=True),
    "email_opt_out": lambda spec, name: spec.boolean(name),
}


def _shown(call: Call, identity: int, draft: Draft) -> dict[str, Any]:
    zone = call.organisation.zone
    return {
        "id": str(identity),
        "modified_time": zoned(zone, draft.modified),
        "created_time": zoned(zone, draft.created),
        "from": draft.sender,
        "to": msgspec.to_builtins(draft.to),
        "reply_to": draft.reply_to,
        "cc": msgspec.to_builtins(draft.cc),
        "bcc": msgspec.to_builtins(draft.bcc),
        "template": None,
        "inventory_details": None,
        "attachments": [
            {"id": each.id, "file_name": each.name, "file_size": str(each.size), "service_name": "crm"}
            for each in draft.attachments
        ],
        "schedule_details": {"time": zoned(zone, draft.scheduled)} if draft.scheduled is not None else None,
        "rich_text": draft.rich_text,
        "email_opt_out": draft.email_opt_out,
        "subject": draft.subject,
        "content": draft.content,
        "summary": summary(draft.content, is_html=draft.rich_text),
    }


_DRAFTS = "/crm/v8/{module}/{id}/__email_drafts"


def _scopes(module: str, emails: str) -> tuple[str, ...]:
    return (f"ZohoCRM.modules.{{module}}.{module}", f"ZohoCRM.modules.emails.{emails}")


ROUTES = (
    Route("GET", _DRAFTS, list_drafts, _scopes("READ", "READ")),
    Route("GET", f"{_DRAFTS}/{{draft}}", get_draft, _scopes("READ", "READ")),
    Route("POST", _DRAFTS, create_drafts, _scopes("UPDATE", "CREATE"), max_body=MAX_BODY),
    Route("PUT", _DRAFTS, update_drafts, _scopes("UPDATE", "UPDATE"), max_body=MAX_BODY),
    Route("PUT", f"{_DRAFTS}/{{draft}}", update_draft, _scopes("UPDATE", "UPDATE"), max_body=MAX_BODY),
    Route("DELETE", f"{_DRAFTS}/{{draft}}", delete_draft, _scopes("UPDATE", "DELETE")),
)
