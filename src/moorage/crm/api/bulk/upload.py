"""Uploads of zips for bulk writes [Z bulk-write]."""

from moorage.crm.faults import Fault
from moorage.crm.files.form import AROUND, SentFile, form_of
from moorage.crm.files.keeping import keep
from moorage.crm.jobs.uploads import MOST_BYTES
from moorage.crm.metadata.times import zoned
from moorage.crm.storage.contract.companions import Companion
from moorage.crm.storage.contract.files import UNUSED, NewFile
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.call import Call, answer
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

KIND = "upload for a bulk write"
_ZIP = b"PK"  # With these bytes a zip begins.


async def upload(call: Call) -> Response:
    _require_headers(call)
    form = await form_of(call, 1)
    if not form.files:
        raise _no_zip()
    (sent,) = form.files
    if sent.size > MOST_BYTES:
        raise Fault(413, "FILE_TOO_LARGE", "File size too large to process")
    _require_zip(call, sent)
    user = call.caller.user

    def own(transaction: Transaction, contents: list[int]) -> int:
        _forget_old(transaction)
        new = NewFile(sent.name, user, size=sent.size, content=contents[0])
        (file,) = transaction.files.add([new])
        (identity,) = transaction.new_ids(1)
        body = {"key": file.key, "created": transaction.now}
        transaction.companions.put([Companion(identity, KIND, body=body)])
        return identity

    identity = await keep(call, [sent], own)
    details = {"file_id": str(identity), "created_time": zoned(call.organisation.zone, int(call.now))}
    done = {"status": "success", "code": "FILE_UPLOAD_SUCCESS", "message": "file uploaded."}
    return answer({**done, "details": details})


def _require_headers(call: Call) -> None:
    for name in ("feature", "X-CRM-ORG"):
        if not call.request.header(name.lower().encode()):
            shown = name.lower()
            raise Fault(400, "MANDATORY_NOT_FOUND", f"Required key {shown} is not available")
    if call.request.header(b"feature") != "bulk-write":
        raise Fault(400, "NOT_SUPPORTED_FEATURE", "Feature is not supported")
    organisation = call.organisation.metadata.all("org")[0].body["zgid"]
    if call.request.header(b"x-crm-org") != organisation:
        raise Fault(400, "INVALID_DATA", "Invalid data - x-crm-org")


def _require_zip(call: Call, sent: SentFile) -> None:
    """Whether it can be read is seen when it is written: here only what every zip begins with is looked at."""
    file = call.request.file()
    file.seek(sent.part.start)
    if file.read(len(_ZIP)) != _ZIP:
        raise _no_zip()


def _no_zip() -> Fault:
    return Fault(400, "INVALID_FILE_FORMAT", "invalid file format. only zip format is supported")


def _forget_old(transaction: Transaction) -> None:
    """Remove the ids of files that are not kept any more."""
    uploads = transaction.companions.of(KIND, [0]).get(0, [])
    old = [each.id for each in uploads if each.body["created"] + UNUSED < transaction.now]
    transaction.companions.remove(old)


ROUTES = (Route("POST", "/crm/v8/upload", upload, ("ZohoFiles.files.CREATE",), max_body=MOST_BYTES + AROUND),)
