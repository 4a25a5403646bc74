"""Attachments of records: listed, uploaded, linked, downloaded, deleted [Z get-attachments], [Z upload-attachment]."""

from collections.abc import Sequence
from typing import Any

import msgspec

from moorage.crm.api.items import outcomes_answer
from moorage.crm.api.related.lists import get_related, list_related, parent_of, unknown_list
from moorage.crm.faults import Fault, ambiguous, file_too_long, related_id_invalid, wrong_format
from moorage.crm.files.form import AROUND, SentForm, attachment_failure, form_of
from moorage.crm.files.keeping import keep
from moorage.crm.files.names import file_name
from moorage.crm.files.sending import file_answer
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.records.access import readable
from moorage.crm.records.attachments import attach, attachments_of, detach, require_address
from moorage.crm.records.outcomes import deletion, record_details, succeeded
from moorage.crm.records.related import RelatedList
from moorage.crm.storage.contract.files import NewFile, StoredFile
from moorage.crm.storage.contract.records import Row, Transaction
from moorage.crm.wire.call import MAX_ATTACHMENT, Call, answer, no_content, settled, with_document
from moorage.crm.wire.parameters import id_list, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_ATTACHMENT = 3  # The place of an attachment's id among the segments of the path.


async def list_attachments(call: Call) -> Response:
    listed = list_related(call, _related(call), _parent(call), related_id_invalid)
    response = listed if isinstance(listed, Response) else await listed
    if response.status != 200:
        return response
    document = msgspec.json.decode(response.text)
    files = await call.store.files.owned_by([int(attachment["id"]) for attachment in document["data"]])
    for attachment in document["data"]:
        attachment.update(_keys(call, files.get(int(attachment["id"]), [])))
    return with_document(response, document)


def _keys(call: Call, files: Sequence[StoredFile]) -> dict[str, Any]:
    """What an attachment shows beside its fields, whatever `fields` asks for: without it nobody can use the list."""
    file = files[0] if files else None
    return {
        "$file_id": file.key if file is not None and file.link is None else None,
        "$type": "File" if file is None or file.link is None else "Link URL",
        "$link_url": file.link if file is not None else None,
        "$se_module": call.path["module"],
        "$editable": True,
        "$state": "save",
    }


async def upload(call: Call) -> Response:
    related, parent = _related(call), _parent(call)
    if await _is_missing(call, related, parent):  # Before bytes are written for nothing.
        raise related_id_invalid()
    form = await form_of(call, 1) if call.request.body else SentForm([], {})
    address = call.params.get("attachmentUrl") or form.fields.get("attachmentUrl")
    if address and form.files:
        raise ambiguous("file", "attachmentUrl")
    if address:
        row = await _link(call, related, parent, address, form)
    else:
        row = await _keep(call, related, parent, form)
    details = record_details(call.organisation, related.module, row)
    return answer({"data": [succeeded(details, "attachment uploaded successfully").document]})


async def _keep(call: Call, related: RelatedList, parent: int, form: SentForm) -> Row:
    if not form.files or not form.files[0].size:
        raise attachment_failure()
    [sent] = form.files
    if sent.size > call.rules.longest_attachment:
        raise file_too_long(413, call.rules.longest_attachment)

    def own(transaction: Transaction, contents: list[int]) -> Row:
        file = NewFile(sent.name, call.caller.user, sent.size, contents[0])
        return attach(transaction, related, parent, file)

    return await keep(call, form.files, own)


async def _link(call: Call, related: RelatedList, parent: int, address: str, form: SentForm) -> Row:
    require_address(address)
    title = call.params.get("title") or form.fields.get("title") or address
    file = NewFile(_title(title), call.caller.user, link=address)
    return await call.store.write(lambda transaction: attach(transaction, related, parent, file))


async def _is_missing(call: Call, related: RelatedList, parent: int) -> bool:
    record = call.store.record(related.parents, shape(related.parents, []), parent)
    return (await settled(record)) is None


def _title(title: str) -> str:
    """The name of a link: as a file's, but it may have slashes."""
    return file_name(title.replace("/", "\u2044").replace("\\", "\u2044")).replace("\u2044", "/")


async def download(call: Call) -> Response:
    related, parent = _related(call), _parent(call)
    attachment = path_id(call.path, _ATTACHMENT, "attachment_id")
    got = get_related(call, related, parent, attachment, related_id_invalid)
    response = got if isinstance(got, Response) else await got
    files = await call.store.files.owned_by([attachment]) if response.status == 200 else {}
    for file in files.get(attachment, []):
        if file.link is not None:
            message = "As it is a linked attachment, you can not download it"
            raise Fault(400, "DOWNLOAD_NOT_ALLOWED", message)
        return file_answer(call.store.files, file)
    return response if response.status != 200 else no_content()


async def delete(call: Call) -> Response:
    ids = id_list(call.params, "ids")
    there = await _detached(call, ids)
    return outcomes_answer("data", [deletion(each, was_there=each in there) for each in ids])


async def delete_one(call: Call) -> Response:
    attachment = whole_id(call.path["attachment_id"])
    if attachment is None:
        raise wrong_format(resource_path_index=_ATTACHMENT)
    if attachment not in await _detached(call, [attachment]):
        raise Fault(400, "INVALID_DATA", "record not deleted", {"resource_path_index": _ATTACHMENT})
    return outcomes_answer("data", [deletion(attachment, was_there=True)])


async def _detached(call: Call, attachments: Sequence[int]) -> set[int]:
    related, parent = _related(call), _parent(call)
    return await call.store.write(lambda transaction: detach(transaction, related, parent, attachments))


def _related(call: Call) -> RelatedList:
    related = attachments_of(call.organisation.catalog, readable(call))
    if related is None:
        raise unknown_list()
    return related


def _parent(call: Call) -> int:
    """The id of the record that the attachments belong to. Raises the Fault for a value that can't be an id."""
    return parent_of(call, related_id_invalid)


def _scopes(operation: str) -> tuple[str, ...]:
    return ("ZohoCRM.modules.{module}.READ", f"ZohoCRM.modules.attachments.{operation}")


_LIST = "/crm/v8/{module}/{id}/Attachments"
_ONE = "/crm/v8/{module}/{id}/Attachments/{attachment_id}"
ROUTES = (
    Route("GET", _LIST, list_attachments, _scopes("READ")),
    Route("POST", _LIST, upload, _scopes("CREATE"), max_body=MAX_ATTACHMENT + AROUND),
    Route("DELETE", _LIST, delete, _scopes("DELETE")),
    Route("GET", _ONE, download, _scopes("READ")),
    Route("DELETE", _ONE, delete_one, _scopes("DELETE")),
)
