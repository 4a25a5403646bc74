"""Downloads of what bulk jobs have made."""

from moorage.crm.api.bulk.bodies import not_found
from moorage.crm.storage.contract.files import UNUSED
from moorage.crm.wire.call import Call
from moorage.http.message import Parts, Response


async def download(call: Call, key: str, job: str) -> Response:
    """A zip, in parts. Raises the Fault for one that is older than a day."""
    file = await call.store.files.find(key)
    if file is None or file.content is None or file.created_time + UNUSED <= call.now:
        raise not_found(job)
    headers = [
        (b"content-type", b"application/zip"),
        (b"content-disposition", f'attachment; filename="{file.name}"'.encode()),
        (b"x-content-type-options", b"nosniff"),
    ]
    return Response(200, Parts(file.size, call.store.files.parts(file.content)), headers)
