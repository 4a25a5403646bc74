"""Photos: images of a few kinds, one for each record or organisation, which have no name that matters."""

from moorage.crm.faults import Fault
from moorage.crm.files.form import SentFile, form_of
from moorage.crm.wire.call import Call, answer
from moorage.http.message import Response
from moorage.http.multipart import Part, chunks_of

LONGEST = 10 * 1024 * 1024  # Bytes.
_BEGINNINGS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF87a", b"GIF89a", b"BM")


async def photo_of(call: Call) -> SentFile:
    """The photo in the body. Raises the Fault of a body without one, or of one that is too long or no image."""
    form = await form_of(call, 1, _no_photo)
    if not form.files or not form.files[0].size:
        raise _no_photo()
    [photo] = form.files
    if photo.size > LONGEST:
        raise Fault(413, "FILE_SIZE_EXCEEDS", "File exceeded its maximum limit", {"size": LONGEST})
    beginning = Part(photo.part.name, None, photo.part.start, min(photo.size, 16))
    if not b"".join(chunks_of(call.request.file(), beginning)).startswith(_BEGINNINGS):
        raise Fault(415, "INVALID_DATA", "invalid file type")
    return photo


def _no_photo() -> Fault:
    return Fault(400, "INVALID_DATA", "The request does not contain any file")


def photo_answer(message: str) -> Response:
    return answer({"code": "SUCCESS", "details": {}, "message": message, "status": "success"})
