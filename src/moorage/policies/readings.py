"""The ways in which an app may read a path: decoded or not, with or without what stands behind `;`, `?` and `#`."""

import re
import unicodedata

from moorage.http.errors import PathInvalid
from moorage.http.percent import rounds_of

# A path that every server reads in the same way.
_PLAIN = re.compile(rb"(?:/[A-Za-z0-9_~!$&'()*+,=:@-][A-Za-z0-9._~!$&'()*+,=:@-]*)+")
_SLASHES = re.compile(r"[/\\]")
_ENDS = re.compile(r"[?#]")  # In a path they are encoded, or the path is one in a composite request.
_IGNORED = re.compile(r"[\x00-\x20\x7f-\xa0\xad\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+")
_LONGEST_TEXT = 2048  # Characters whose compatibility form is looked for; the time grows with the square.


def readings(path: bytes) -> list[list[str]] | None:
    """The segments of the path, once for each way of reading it. None if the ways have no end, or for no path."""
    if _PLAIN.fullmatch(path):
        return [path[1:].decode("ascii").split("/")]
    if not path.startswith(b"/"):
        return None
    try:
        rounds = rounds_of(path)
    except PathInvalid:
        return None
    found: list[list[str]] = []
    for decoded in rounds:
        text = decoded.decode("utf-8", "replace")
        found.append(text[1:].split("/"))
        tidied = _tidied(text)
        if tidied is None:
            return None
        found.append(tidied)
        if not text.isascii():
            if len(text) > _LONGEST_TEXT or (normal := _tidied(unicodedata.normalize("NFKC", text))) is None:
                return None
            found.append(normal)
    return found


def _tidied(text: str) -> list[str] | None:
    """The segments without what a lenient server removes. None if one of them leads to another path."""
    path = _ENDS.split(text, maxsplit=1)[0]
    segments = [_IGNORED.sub("", segment.partition(";")[0]) for segment in _SLASHES.split(path)]
    if ".." in segments:
        return None
    return [segment for segment in segments if segment not in {"", "."}]
