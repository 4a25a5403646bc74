"""The body of an upload: its files, with their names and digests, and its other fields."""

import asyncio
from collections.abc import Callable
from typing import BinaryIO

import msgspec

from moorage.crm.faults import Fault
from moorage.crm.files.names import file_name
from moorage.crm.wire.call import Call
from moorage.http.errors import BodyTooLarge
from moorage.http.forms import MAX_FORM, is_form, pairs
from moorage.http.multipart import MultipartBroken, Part, chunks_of, parts_in

AROUND = 64 * 1024  # Bytes of a body beside its files: boundaries, heads, other fields.


class SentFile(msgspec.Struct, frozen=True):
    """A file in the body of a request, at the place `part`."""

    name: str
    part: Part

    @property
    def digest(self) -> str:
        return self.part.digest

    @property
    def size(self) -> int:
        return self.part.size


class SentForm(msgspec.Struct, frozen=True):
    files: list[SentFile]
    fields: dict[str, str]


def attachment_failure() -> Fault:
    """Zoho's answer to an upload in which it finds no file [Z upload-files]."""
    message = "Problem in uploading attachment. kindly upload the file properly"
    return Fault(400, "failure_in_attachment_handling", message)


async def form_of(call: Call, most: int, broken: Callable[[], Fault] = attachment_failure) -> SentForm:
    """The form in the body. Raises the Fault `broken` for a body that is none, and `too_many` for more than `most`
    files.
    """
    content_type = call.request.header(b"content-type")
    if is_form(content_type) and not (content_type or "").lstrip().lower().startswith("multipart"):
        try:
            return SentForm([], dict(pairs(await call.request.whole())))
        except BodyTooLarge as error:
            raise broken() from error
    try:
        return await asyncio.to_thread(_read, call.request.file(), content_type, most)
    except MultipartBroken:
        raise broken() from None


def _read(file: BinaryIO, content_type: str | None, most: int) -> SentForm:
    form = SentForm([], {})
    for part in parts_in(file, content_type):
        if part.filename is None:
            if part.size <= MAX_FORM:
                form.fields[part.name] = b"".join(chunks_of(file, part)).decode("utf-8", "replace")
        elif part.name == "file" and part.filename:
            if len(form.files) == most:
                raise too_many(most)
            form.files.append(SentFile(file_name(part.filename), part))
    return form


def too_many(most: int) -> Fault:
    # No source has the text of this message. Ours says the limit.
    return Fault(400, "INVALID_REQUEST", f"the request can have {most} file{'s' if most > 1 else ''} at most")
