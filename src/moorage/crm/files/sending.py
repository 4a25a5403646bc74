"""The answer with the bytes of a file."""

from moorage.crm.files.names import disposition
from moorage.crm.storage.contract.files import FileReads, StoredFile
from moorage.http.message import Parts, Response

# Whatever the bytes are, no browser shows them, or takes them for a page or a script of this origin.
_HEADERS = [
    (b"content-type", b"application/x-download"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"sandbox"),
]


def file_answer(reads: FileReads, file: StoredFile) -> Response:
    """The bytes of a file that has some, as they were sent."""
    assert file.content is not None
    headers = [*_HEADERS, (b"content-disposition", disposition(file.name))]
    return Response(200, Parts(file.size, reads.parts(file.content)), headers)
