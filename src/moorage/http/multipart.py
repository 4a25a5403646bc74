"""Finds the parts of a multipart body that is too long for memory [RFC 7578].

A body is a file, on disk if it is long (`spool.py`). Here only the places and the digests of its parts are found, in
one pass over the file, so that whoever wants the bytes of a part reads them from the same file. So a body of any length
needs little memory, and a broken one costs no more than a sound one.
"""

import hashlib
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import unquote_to_bytes

import msgspec

from moorage.http.forms import boundary_of

if TYPE_CHECKING:
    from io import FileIO

CHUNK = 256 * 1024  # Bytes that are in memory at a time.
MAX_HEAD = 8 * 1024  # Of one part.
MAX_PARTS = 100

_DISPOSITION = re.compile(
    rb"^content-disposition:[ \t]*form-data[ \t]*(;[^\r\n]*)", re.IGNORECASE | re.MULTILINE
)
_PARAMETER = re.compile(rb';[ \t]*([\w*]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
# What browsers write for characters that can't be in a quoted name.
_OF_BROWSERS = ((b"%22", b'"'), (b"%0D", b"\r"), (b"%0d", b"\r"), (b"%0A", b"\n"), (b"%0a", b"\n"))


class MultipartBroken(Exception):
    """The body is not what its Content-Type says."""


class Part(msgspec.Struct, frozen=True):
    """`start` and `size` are the place of the part's bytes, `digest` is their SHA-256.

    Only a file has a `filename`, as it was sent.
    """

    name: str
    filename: str | None
    start: int
    size: int
    digest: str = ""


def parts_in(file: BinaryIO, content_type: str | None) -> Iterator[Part]:
    """The parts of a body, one after the other. To be called in a thread. Raises MultipartBroken, also between two."""
    boundary = boundary_of((content_type or "").encode("latin-1", "replace"))
    if boundary is None or not (content_type or "").lstrip().lower().startswith("multipart/form-data"):
        raise MultipartBroken
    delimiter = b"\r\n--" + boundary
    # The first boundary may be the beginning of the body; all others begin with a line break.
    place = _find(file, delimiter[2:], 0) + len(delimiter) - 2
    for _ in range(MAX_PARTS + 1):
        head = _read(file, place, MAX_HEAD)
        if head.startswith(b"--"):
            return
        length = head.find(b"\r\n\r\n")
        if length < 0:
            break
        start, digest = place + length + 4, hashlib.sha256()
        end = _find(file, delimiter, start, digest.update)
        name, filename = _names(head[: length + 2])
        yield Part(name, filename, start, end - start, digest.hexdigest())
        place = end + len(delimiter)
    raise MultipartBroken


def chunks_of(file: BinaryIO, part: Part, size: int = CHUNK) -> Iterator[bytes]:
    """The bytes of a part in chunks, each of `size` but the last. To be called in a thread."""
    place, end = part.start, part.start + part.size
    while place < end:
        chunk = _read(file, place, min(size, end - place))
        place += len(chunk)
        yield chunk


def _find(
    file: BinaryIO, wanted: bytes, start: int, passed: Callable[[memoryview], object] = lambda _: None
) -> int:
    """The place of some bytes behind a place. `passed` gets all that is before it.

    Raises MultipartBroken if there are none.
    """
    file.seek(start)
    # One buffer for all chunks: new memory for each of them costs as much as to search it.
    buffer = bytearray(len(wanted) + CHUNK)
    view, kept = memoryview(buffer), 0
    while size := cast("FileIO", file).readinto(view[kept : kept + CHUNK]):
        end = kept + size
        place = buffer.find(wanted, 0, end)
        # The end of what was read may be the beginning of what is wanted.
        known = place if place >= 0 else max(0, end - len(wanted) + 1)
        passed(view[:known])
        start += known
        if place >= 0:
            return start
        kept = end - known
        view[:kept] = view[known:end]
    raise MultipartBroken


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    data = b""
    while len(data) < size and (more := file.read(size - len(data))):
        data += more
    return data


def _names(head: bytes) -> tuple[str, str | None]:
    """The name of a part and that of its file."""
    disposition = _DISPOSITION.search(head)
    found = {
        name.lower(): _unescaped(quoted) if quoted else plain
        for name, quoted, plain in _PARAMETER.findall(disposition[1] if disposition else b"")
    }
    filename = found.get(b"filename")
    if extended := found.get(
        b"filename*"
    ):  # It may have a name that the other one only resembles [RFC 5987].
        filename = unquote_to_bytes(extended.rpartition(b"'")[2])
    return _text(found.get(b"name", b"")), None if filename is None else _text(filename)


def _unescaped(quoted: bytes) -> bytes:
    for written, meant in _OF_BROWSERS:
        quoted = quoted.replace(written, meant)
    return re.sub(rb'\\(["\\])', rb"\1", quoted)


def _text(name: bytes) -> str:
    return name.decode("utf-8", "replace")
