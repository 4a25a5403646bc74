"""The bytes of a file in a field of a record [Z upload-files]."""

import msgspec

from moorage.crm.faults import invalid_id, param_invalid, param_missing
from moorage.crm.files.sending import file_answer
from moorage.crm.metadata.shown import shape
from moorage.crm.records.access import readable
from moorage.crm.records.reading import record_id
from moorage.crm.records.values import FILE_TYPES
from moorage.crm.wire.call import Call, settled
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


async def download(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    row_id = call.params.get("fields_attachment_id")
    if not row_id:
        raise param_missing("fields_attachment_id")
    names = [field.api_name for field in module.of_type(*FILE_TYPES)]
    asked = call.store.record(module, shape(module, names, whole=True), record)
    shown = await settled(asked)
    if shown is None:
        raise invalid_id(1)
    document = msgspec.json.decode(shown)
    rows = [row for name in names for row in document.get(name) or () if row["id"] == row_id]
    file = await call.store.files.find(rows[0]["File_Id__s"]) if rows else None
    if file is None:
        raise param_invalid("fields_attachment_id")
    return file_answer(call.store.files, file)


ROUTES = (
    Route(
        "GET",
        "/crm/v8/{module}/{id}/actions/download_fields_attachment",
        download,
        ("ZohoCRM.modules.{module}.READ",),
    ),
)
