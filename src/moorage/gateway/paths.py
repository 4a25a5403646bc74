"""Refuses paths that an upstream could read as a different path."""

import re

from moorage.http.errors import MethodNotAllowed, PathInvalid
from moorage.http.percent import fully_decoded

_EMPTY_PATHS = frozenset({b"", b"/"})
# A path without these bytes can't contain a `..` segment. Most paths contain none of them.
_UNUSUAL = re.compile(rb"[.%\\\x80-\xff]")


def _overlong() -> dict[bytes, bytes]:
    """The encodings of a dot and of both slashes that are longer than UTF-8 permits, and the character of each.

    A lenient decoder reads only the lower six bits of the bytes after the first, so it takes %c0%2e for a dot.
    """
    forms: dict[bytes, bytes] = {}
    for character in b"./\\":
        high, low = divmod(character, 64)
        forms |= {bytes((0xC0 | high, bits | low)): bytes((character,)) for bits in (0x80, 0x00, 0x40, 0xC0)}
        for first, zeros in ((0xE0, 0), (0xF0, 1), (0xF8, 2), (0xFC, 3)):
            forms[bytes((first, *[0x80] * zeros, 0x80 | high, 0x80 | low))] = bytes((character,))
    return forms


_OVERLONG = _overlong()

# A segment of two dots. A segment ends at a slash or backslash, and for some servers also at ; ? # or NUL. White space
# and control characters are ignored everywhere, because some servers remove them. The searched text gets a slash in
# front, because a pattern that also matches at the beginning would take many times as long.
_CLIMB = r"[{slash}][{nothing}]*(?:[{dot}][{nothing}]*[{dot}]{dots})(?:\Z|[{slash}{end}{nothing}])"
_CLIMBS = re.compile(
    _CLIMB.format(slash=r"/\\", nothing=r"\x00-\x20\x7f", dot=".", dots="", end=";?#").encode("ascii")
)
# This includes the characters that become one of these by Unicode's compatibility form (NFKC), or in a character set
# that lacks them. They are listed, because normalising takes a time that grows with the square of a stranger's text.
_CLIMBS_AS_TEXT = re.compile(
    _CLIMB.format(
        slash=r"/\\\u2044\u2215\uff0f\xa5\u20a9\u2216\ufe68\uff3c\uffe5\uffe6",
        nothing=r"\x00-\x20\x7f-\xa0\xad\u1680\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff",
        dot=r".\u2024\ufe52\uff0e",
        dots=r"|[\u2025\ufe30]",
        end=r";?#\u037e\ufe54\uff1b\ufe56\uff1f\ufe5f\uff03",
    )
)


def require_safe(method: bytes, app: bytes, native: bytes) -> None:
    """Raises PathInvalid if the native path (with its query) is empty, or if an upstream could read it differently.

    Raises MethodNotAllowed for TRACE, because its answer would show the token.
    """
    path = native.partition(b"?")[0]
    if path in _EMPTY_PATHS:
        raise PathInvalid(
            "The path ends after the app.",
            help=f"Add the app's own path, as in /{app.decode()}/crm/v8/Leads.",
        )
    if path.startswith(b"//"):
        raise PathInvalid(
            "The path has two slashes after the app.", help="Use one slash, as in /zoho-crm/crm/v8/Leads."
        )
    if _UNUSUAL.search(path):
        _require_unambiguous(path)
    if method == b"TRACE":
        raise MethodNotAllowed(
            "The gateway does not pass TRACE on.", allow="GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        )


def _require_unambiguous(path: bytes) -> None:
    if b"\\" in path:
        raise PathInvalid("The path has a backslash.", help="Write a backslash in a name as %5C.")
    if climbs(path):
        raise PathInvalid(
            "The path has a `..` segment, or a segment that some servers read as `..`.",
            help="Write the whole path, without `..` segments in any spelling.",
        )


def climbs(path: bytes) -> bool:
    """True if any server could find a `..` segment in the path, even if it decodes and trims paths leniently."""
    decoded = b"/" + fully_decoded(path)
    if _CLIMBS.search(decoded) is not None:
        return True
    if decoded.isascii():
        return False
    shortened = _shortened(decoded)
    return _climbs_as_text(decoded) or (shortened != decoded and _climbs_as_text(shortened))


def _climbs_as_text(path: bytes) -> bool:
    # Some servers drop invalid UTF-8, so that the characters before and after it become neighbours.
    return _CLIMBS_AS_TEXT.search(path.decode("utf-8", "ignore")) is not None


def _shortened(path: bytes) -> bytes:
    """The path, with each overlong encoding replaced by its character."""
    for form, character in _OVERLONG.items():
        path = path.replace(form, character)
    return path
