"""The photo of a record [Z upload-image]. The field `Record_Image` has its id, as long as there is one."""

import msgspec

from moorage.crm.api.related.lists import parent_of
from moorage.crm.faults import module_unsupported, related_id_invalid
from moorage.crm.files.form import AROUND
from moorage.crm.files.keeping import keep
from moorage.crm.files.photos import LONGEST, photo_answer, photo_of
from moorage.crm.files.sending import file_answer
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.shown import shape
from moorage.crm.records.access import readable, writable
from moorage.crm.records.locks import Locks
from moorage.crm.records.modules import rules_of
from moorage.crm.records.modules.rules import PendingRecord
from moorage.crm.records.own_changes import modify
from moorage.crm.storage.contract.files import NewFile
from moorage.crm.storage.contract.records import Row, Transaction
from moorage.crm.wire.call import Call, no_content, settled
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_FIELD = "Record_Image"


async def upload(call: Call) -> Response:
    module, record = writable(call, "editable"), _record(call)
    field = _field(module)
    if await _key(call, module, record) is None:  # Before bytes are written for nothing.
        raise related_id_invalid()
    photo = await photo_of(call)

    def own(transaction: Transaction, contents: list[int]) -> None:
        before = _row(call, transaction, module, record)
        new = NewFile(photo.name, call.caller.user, photo.size, contents[0], owner=record)
        [file] = transaction.files.add([new])
        _set(call, transaction, module, before, {field.column: file.key})

    await keep(call, [photo], own)
    return photo_answer("photo uploaded successfully")


async def download(call: Call) -> Response:
    module, record = readable(call), _record(call)
    _field(module)
    key = await _key(call, module, record)
    if key is None:
        raise related_id_invalid()
    file = await call.store.files.find(key) if key else None
    return no_content() if file is None else file_answer(call.store.files, file)


async def delete(call: Call) -> Response:
    module, record = writable(call, "editable"), _record(call)
    field = _field(module)

    def job(transaction: Transaction) -> None:
        before = _row(call, transaction, module, record)
        if before[field.column] is not None:
            _set(call, transaction, module, before, {field.column: None})

    await call.store.write(job)
    return photo_answer("Photo deleted")


def _row(call: Call, transaction: Transaction, module: Module, record: int) -> Row:
    """The record's row. Raises the Faults of an unknown record, and of one that the caller can't change."""
    row = transaction.rows(module, [record]).get(record)
    if row is None:
        raise related_id_invalid()
    Locks(module, transaction, call.caller.user).refuse(row, {"id": str(record)})
    rules_of(module).check(PendingRecord(module, row, row, set(), "$", transaction.now))
    return row


def _set(call: Call, transaction: Transaction, module: Module, before: Row, values: Row) -> None:
    """Change the photo of a record, and remove the one that it had."""
    [column] = values
    old = transaction.files.find([before[column]] if before[column] else [])
    transaction.files.remove([file.id for file in old.values()])
    modify(call.organisation, module, transaction, call.caller.user, {before["id"]: values})


async def _key(call: Call, module: Module, record: int) -> str | None:
    """The id of a record's photo, empty if it has none; None if there is no such record."""
    asked = call.store.record(module, shape(module, [_FIELD]), record)
    shown = await settled(asked)
    return None if shown is None else msgspec.json.decode(shown)[_FIELD] or ""


def _field(module: Module) -> Field:
    """The field that names the photo. Raises the Fault of a module whose records have none."""
    field = module.fields.get(_FIELD)
    if field is None:
        raise module_unsupported()
    return field


def _record(call: Call) -> int:
    return parent_of(call, related_id_invalid)


def _scopes(operation: str) -> tuple[str, ...]:
    return (f"ZohoCRM.modules.{{module}}.{operation}",)


_PATH = "/crm/v8/{module}/{id}/photo"
ROUTES = (
    Route("POST", _PATH, upload, _scopes("CREATE"), max_body=LONGEST + AROUND),
    Route("GET", _PATH, download, _scopes("READ")),
    Route("DELETE", _PATH, delete, _scopes("DELETE")),
)
