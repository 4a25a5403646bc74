"""Reads forms and queries in one pass, so that the time grows only with their length.

Callers without any key send them, and a slow read would stop the event loop for all callers. `email`, `http.cookies`
and `urllib.parse` of the standard library read more than is needed here, and for some texts their time grows with the
square of the length.
"""

import re

from moorage.http.errors import BodyTooLarge
from moorage.http.percent import percent_decoded

MAX_FORM = 12 * 1024
MAX_FIELDS = 500
MAX_PARTS = 50
MAX_CONTENT_TYPE = 256
MAX_PART_HEAD = 1024

_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
_BOUNDARY = re.compile(rb';[ \t]*boundary=(?:"([^"]{1,70})"|([^\s;,"]{1,70}))', re.IGNORECASE)
_NAME = re.compile(
    rb'^content-disposition:[ \t]*form-data[^\r\n]*?;[ \t]*name=(?:"([^"\r\n]*)"|([^\s;"]+))',
    re.IGNORECASE | re.MULTILINE,
)


def is_form(content_type: str | None) -> bool:
    """True if a body of this type is a form, in one of the two types that browsers send."""
    return (content_type or "")[:MAX_CONTENT_TYPE].partition(";")[0].strip().lower() in {
        _URLENCODED,
        _MULTIPART,
    }


def is_multipart(content_type: str | None) -> bool:
    return (content_type or "")[:MAX_CONTENT_TYPE].lstrip()[: len(_MULTIPART)].lower() == _MULTIPART


def boundary_of(content_type: bytes) -> bytes | None:
    """What separates the parts of a multipart body of this type; None if the type does not say."""
    matched = _BOUNDARY.search(content_type[:MAX_CONTENT_TYPE])
    return None if matched is None else matched[1] or matched[2]


def pairs(encoded: bytes, most: int = MAX_FORM) -> list[tuple[str, str]]:
    """The fields of a query, or of a URL-encoded form of up to `most` bytes, in order. Raises BodyTooLarge.

    Bytes that are not UTF-8 are replaced. A % that is not followed by two hexadecimal digits stays.
    """
    _require(len(encoded) <= most, f"{most} bytes")
    _require(encoded.count(b"&") < MAX_FIELDS, f"{MAX_FIELDS} fields")
    decoded = []
    for field in encoded.split(b"&"):
        name, _, value = field.partition(b"=")
        if name:
            decoded.append((_decoded(name), _decoded(value)))
    return decoded


def fields(encoded: bytes) -> dict[str, str]:
    """The fields of `pairs` by name. The last field with a name counts."""
    return dict(pairs(encoded))


def body_pairs(content_type: str | None, body: bytes, most: int = MAX_FORM) -> list[tuple[str, str]]:
    """The fields of a body, in order: of a multipart form if that is the type, otherwise of a URL-encoded form.

    Raises BodyTooLarge. A multipart body without a boundary has no fields.
    """
    _require(len(body) <= most, f"{most} bytes")
    if content_type is None or not is_multipart(content_type):
        return pairs(body, most)
    _require(len(content_type) <= MAX_CONTENT_TYPE, f"{MAX_CONTENT_TYPE} bytes of Content-Type")
    return _multipart(content_type.encode("latin-1", "replace"), body)


def _multipart(content_type: bytes, body: bytes) -> list[tuple[str, str]]:
    """The fields by RFC 7578, without the deprecated transfer encodings and nested parts."""
    boundary = boundary_of(content_type)
    if boundary is None:
        return []
    delimiter = b"\r\n--" + boundary
    parts = (b"\r\n" + body).split(delimiter, MAX_PARTS + 2)[1:]
    _require(len(parts) <= MAX_PARTS + 1, f"{MAX_PARTS} parts")
    decoded = []
    for part in parts:
        if part.startswith(b"--"):
            break
        end = part.find(b"\r\n\r\n", 0, MAX_PART_HEAD + 4)
        name = None if end < 0 else _NAME.search(part, 0, end)
        if name is not None:
            key = name[1] if name[1] is not None else name[2]
            decoded.append((key.decode("utf-8", "replace"), part[end + 4 :].decode("utf-8", "replace")))
    return decoded


def _require(fits: bool, limit: str) -> None:
    if not fits:
        raise BodyTooLarge(f"The form is larger than {limit}.", help="Send a smaller form.")


def _decoded(text: bytes) -> str:
    return percent_decoded(text.replace(b"+", b" ")).decode("utf-8", "replace")
