"""Paths that an upstream could read as another one, in whatever way it reads them."""

import operator
import re

from moorage.http.errors import MethodNotAllowed, PathInvalid
from moorage.http.percent import percent_decoded

_NO_PATH = frozenset({b"", b"/"})
_UNUSUAL = re.compile(rb"[.%\\\x80-\xff]")  # Most paths have none of these, without which none can climb.

_UNIT = re.compile(rb"(?i)%u([0-9a-f]{4})")  # How ASP and old scripts encode what isn't Latin-1.
_IN_UTF_8 = operator.methodcaller("encode", "utf-8", "surrogatepass")
_MOST_ROUNDS = 8  # Of decoding, before a path is as it was meant. Sound ones need two.


def _overlong() -> dict[bytes, bytes]:
    """The forms of a dot and of both slashes that are longer than UTF-8 permits.

    A lenient decoder looks at the lower six bits of what follows the first byte, so %c0%2e is a dot to it.
    """
    forms: dict[bytes, bytes] = {}
    for character in b"./\\":
        high, low = divmod(character, 64)
        forms |= {bytes((0xC0 | high, bits | low)): bytes((character,)) for bits in (0x80, 0x00, 0x40, 0xC0)}
        for first, zeros in ((0xE0, 0), (0xF0, 1), (0xF8, 2), (0xFC, 3)):
            forms[bytes((first, *[0x80] * zeros, 0x80 | high, 0x80 | low))] = bytes((character,))
    return forms


_OVERLONG = _overlong()

# Two dots that fill a segment, which ends at a slash of either kind and, to some, at ; ? # or NUL. White space and
# controls count as nothing wherever they stand, as some trim or drop them. What is looked through has a slash put
# before it: a search that may begin at an end as well takes many times as long.
_CLIMB = r"[{slash}][{nothing}]*(?:[{dot}][{nothing}]*[{dot}]{dots})(?:\Z|[{slash}{end}{nothing}])"
_CLIMBS = re.compile(
    _CLIMB.format(slash=r"/\\", nothing=r"\x00-\x20\x7f", dot=".", dots="", end=";?#").encode("ascii")
)
# Besides, what becomes one of these by compatibility (NFKC), or where a character set lacks the character. They are
# named one by one: to normalise a text takes time that grows with the square of what a stranger sends.
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
    """Raises PathInvalid for a native path (with its query) that an upstream could read as another one, or none.

    Raises MethodNotAllowed for TRACE, whose answer would show the token.
    """
    path = native.partition(b"?")[0]
    if path in _NO_PATH:
        raise PathInvalid(
            "The path ends after the app.",
            help=f"Add the app's own path, as in /{app.decode()}/crm/v8/Leads.",
        )
    if path.startswith(b"//"):
        raise PathInvalid(
            "The path has two slashes after the app.", help="Use one, as in /zoho-crm/crm/v8/Leads."
        )
    if _UNUSUAL.search(path):
        _require_sound(path)
    if method == b"TRACE":
        raise MethodNotAllowed(
            "TRACE is not passed on.", allow="GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
        )


def _require_sound(path: bytes) -> None:
    if b"\\" in path:
        raise PathInvalid("The path has a backslash.", help="Write %5C where a name has one.")
    if climbs(path):
        raise PathInvalid(
            "The path has a segment that climbs, or that some servers read as one.",
            help="Write the path out, without `..` segments in any spelling.",
        )


def climbs(path: bytes) -> bool:
    """Whether a server could find a `..` segment in the path, however leniently it decodes, cuts and trims."""
    decoded = b"/" + decode(path)
    if _CLIMBS.search(decoded) is not None:
        return True
    if decoded.isascii():
        return False
    shortened = _shortened(decoded)
    return _climbs_as_text(decoded) or (shortened != decoded and _climbs_as_text(shortened))


def decode(path: bytes) -> bytes:
    """A path as one reads it who decodes what is encoded until nothing is. Raises PathInvalid if that takes long.

    It has all dot segments that a reader finds who stops earlier: to decode more takes none away.
    """
    for _ in range(_MOST_ROUNDS):
        if b"%" not in path:
            return path
        decoded = percent_decoded(_without_units(path))
        if decoded == path:
            return path
        path = decoded
    raise PathInvalid("The path is encoded many times over.", help="Encode each character once.")


def _climbs_as_text(path: bytes) -> bool:
    # Whoever drops what is no UTF-8 sees what stands on both sides of it as neighbours.
    return _CLIMBS_AS_TEXT.search(path.decode("utf-8", "ignore")) is not None


def _without_units(path: bytes) -> bytes:
    parts = _UNIT.split(path)
    if len(parts) == 1:
        return path
    # All at once, as Python code for each of them would take a stranger's path too long.
    units = bytes.fromhex((b"0000" + b"0000".join(parts[1::2])).decode("ascii"))
    parts[1::2] = map(_IN_UTF_8, units.decode("utf-32-be", "surrogatepass"))
    return b"".join(parts)


def _shortened(path: bytes) -> bytes:
    """The path with the characters that its overlong forms stand for."""
    for form, character in _OVERLONG.items():
        path = path.replace(form, character)
    return path
