"""Rewrites an app's redirects to itself into paths of the gateway, because the app itself accepts no API key."""

import re

from moorage.gateway.paths import climbs
from moorage.gateway.target import Origin
from moorage.http.errors import PathInvalid

_WITH_HOST = re.compile(rb"(?is)(?:(https?):)?//([^/?#@\\\x00-\x20]+)(.*)")
_END_OF_PATH = re.compile(rb"[?#]")
_PORTS = {b"http": b":80", b"https": b":443"}


def is_redirect(status: int) -> bool:
    """True if the caller may follow the answer's Location.

    The answer is a redirect, or it names a new resource (201) or a page that shows progress (202).
    """
    return 300 <= status < 400 or status in {201, 202}


def at_gateway(location: bytes, app: bytes, origin: Origin, prefix: bytes = b"") -> bytes:
    """The gateway's path for a location at the app's own origin and below its base path.

    Any other location is returned unchanged, also a location relative to the call's path, as it leads to the same
    place. `prefix` is the path of the gateway's public URL, or empty.
    """
    native = _native(location, origin)
    if native is None or native.startswith(b"//"):
        return location
    path = _END_OF_PATH.split(native, 1)[0]
    try:
        is_whole = b"\\" not in path and not climbs(path)
    except PathInvalid:
        is_whole = False
    return b"%b/%b%b" % (prefix, app, native) if is_whole else location


def _native(location: bytes, origin: Origin) -> bytes | None:
    """The app's own path, with its query, if the location belongs to the app."""
    if location.startswith(b"/") and location[1:2] not in {b"/", b"\\"}:
        rest = location
    else:
        match = _WITH_HOST.fullmatch(location)
        if match is None or not _is_of(origin, match[1], match[2]):
            return None
        rest = match[3]
    base = origin.base_path
    if not rest.startswith(base):
        return None
    native = rest[len(base) :]
    if native[:1] in {b"", b"?", b"#"}:
        return b"/" + native
    return native if native.startswith(b"/") else None


def _is_of(origin: Origin, scheme: bytes | None, authority: bytes) -> bool:
    scheme = (scheme or origin.scheme.encode("ascii")).lower()
    if scheme != origin.scheme.encode("ascii"):
        return False
    named = authority.lower().removesuffix(_PORTS[scheme]).removesuffix(b":")
    return named == origin.authority.lower()
