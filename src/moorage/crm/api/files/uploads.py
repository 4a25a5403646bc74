"""Files for the fields of records: uploaded before a record names them, and downloaded [Z upload-files]."""

from moorage.crm.faults import Fault, file_too_long, param_missing
from moorage.crm.files.form import AROUND, attachment_failure, form_of
from moorage.crm.files.keeping import keep
from moorage.crm.files.sending import file_answer
from moorage.crm.storage.contract.files import NewFile, StoredFile
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.call import Call, answer, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

MOST = 10  # Files in one call.
LONGEST = 20 * 1024 * 1024  # Bytes of each.


async def upload(call: Call) -> Response:
    form = await form_of(call, MOST)
    if not form.files or not all(sent.size for sent in form.files):
        raise attachment_failure()
    if any(sent.size > LONGEST for sent in form.files):
        raise file_too_long(415, LONGEST)

    def own(transaction: Transaction, contents: list[int]) -> list[StoredFile]:
        return transaction.files.add(
            NewFile(sent.name, call.caller.user, sent.size, content)
            for sent, content in zip(form.files, contents, strict=True)
        )

    files = await keep(call, form.files, own)
    return answer({"data": [_uploaded(file) for file in files]})


def _uploaded(file: StoredFile) -> dict[str, object]:
    return {
        "code": "SUCCESS",
        "details": {"name": file.name, "id": file.key},
        "message": f"{file.name} uploaded Succeessfully",  # Zoho writes it so [Z upload-files]. codespell:ignore
        "status": "success",
    }


async def download(call: Call) -> Response:
    key = call.params.get("id")
    if not key:
        raise param_missing("id")
    file = await call.store.files.find(key)
    if file is None:
        return no_content()
    if file.content is None:
        raise Fault(400, "DOWNLOAD_NOT_ALLOWED", "As it is a linked attachment, you can not download it")
    return file_answer(call.store.files, file)


_PATH = "/crm/v8/files"
ROUTES = (
    Route("POST", _PATH, upload, ("ZohoCRM.files.CREATE",), max_body=MOST * LONGEST + AROUND),
    Route("GET", _PATH, download, ("ZohoCRM.files.READ",)),
)
