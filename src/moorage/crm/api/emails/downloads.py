"""Attachments and images of e-mails, downloaded [Z download-inline-images]."""

from moorage.crm.api.emails.gathering import found
from moorage.crm.faults import param_missing
from moorage.crm.files.sending import file_answer
from moorage.crm.metadata.ids import whole_id
from moorage.crm.records.access import readable
from moorage.crm.records.emails import Email
from moorage.crm.records.reading import record_id
from moorage.crm.wire.call import Call, no_content
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


async def download_attachment(call: Call) -> Response:
    email = await _email(call, "id", "name")
    wanted = (call.params["id"], call.params["name"])
    return await _download(
        call, [each.id for each in email.attachments if (each.id, each.name) == wanted] if email else []
    )


async def download_inline_image(call: Call) -> Response:
    email = await _email(call, "id")
    return await _download(
        call, [each for each in email.images if each == call.params["id"]] if email else []
    )


async def _email(call: Call, *more: str) -> Email | None:
    """The e-mail that the call names, if it is the one of the user. Raises the Fault of a parameter that is missing."""
    module, record = readable(call), record_id(call)
    for name in ("user_id", "message_id", *more):
        if not call.params.get(name):
            raise param_missing(name)
    listed = await found(call, module, record, call.params["message_id"])
    user = whole_id(call.params["user_id"])
    return listed.email if listed is not None and listed.email.user == user else None


async def _download(call: Call, keys: list[str]) -> Response:
    for key in keys:
        file = await call.store.files.find(key)
        if file is not None and file.content is not None:
            return file_answer(call.store.files, file)
    return no_content()


_ACTIONS = "/crm/v8/{module}/{id}/Emails/actions"
_READ = ("ZohoCRM.modules.{module}.READ", "ZohoCRM.modules.emails.READ")

ROUTES = (
    Route("GET", f"{_ACTIONS}/download_attachments", download_attachment, _READ),
    Route("GET", f"{_ACTIONS}/download_inline_images", download_inline_image, _READ),
)
