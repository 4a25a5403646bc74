"""The photo of the organisation [Z upload-image]."""

from moorage.crm.files.form import AROUND
from moorage.crm.files.keeping import keep
from moorage.crm.files.photos import LONGEST, photo_answer, photo_of
from moorage.crm.files.sending import file_answer
from moorage.crm.records.access import require_administrator
from moorage.crm.storage.contract.files import NewFile
from moorage.crm.storage.contract.records import Transaction
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

_PERMISSION = "Crm_Implied_Manage_Company_Details"


async def upload(call: Call) -> Response:
    require_administrator(call, _PERMISSION)
    photo, organisation = await photo_of(call), call.organisation.id

    def own(transaction: Transaction, contents: list[int]) -> None:
        transaction.files.remove_all_of([organisation])
        new = NewFile(photo.name, call.caller.user, photo.size, contents[0], owner=organisation)
        transaction.files.add([new])

    await keep(call, [photo], own)
    return photo_answer("photo uploaded successfully")


async def download(call: Call) -> Response:
    files = await call.store.files.owned_by([call.organisation.id])
    for file in files.get(call.organisation.id, []):
        return file_answer(call.store.files, file)
    return no_content()


async def delete(call: Call) -> Response:
    require_administrator(call, _PERMISSION)
    organisation = call.organisation.id
    await call.store.write(lambda transaction: transaction.files.remove_all_of([organisation]))
    return photo_answer("Photo deleted")


_PATH = "/crm/v8/org/photo"
ROUTES = (
    Route("POST", _PATH, upload, ("ZohoCRM.org.CREATE",), max_body=LONGEST + AROUND),
    Route("GET", _PATH, download, ("ZohoCRM.org.READ",)),
    Route("DELETE", _PATH, delete, ("ZohoCRM.org.DELETE",)),
)
