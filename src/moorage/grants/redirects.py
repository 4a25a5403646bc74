"""Where programs let people be sent back to: only addresses that they have registered (RFC 8252, RFC 9700)."""

import re
from urllib.parse import urlencode, urlsplit

from moorage.web.pages import ANYWHERE

MOST = 10
LONGEST = 2000
# The scheme of a program itself, such as `cursor`. Browsers give these others a meaning of their own.
_OWN_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{1,63}")
_OF_BROWSERS = frozenset(
    {"about", "blob", "content", "data", "file", "filesystem", "ftp", "intent", "jar", "javascript"}
    | {"mailto", "sms", "tel", "vbscript", "view-source", "ws", "wss"}
)
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::\d{1,5})?((?:/[^?#]*)?(?:\?[^#]*)?)")
_VISIBLE_ASCII = re.compile(r"[!-~]+")


def objection(uri: object) -> str | None:
    """Why no program may register this as a redirect URI, as a part of a sentence; None if one may."""
    if not isinstance(uri, str) or not 0 < len(uri) <= LONGEST or not _VISIBLE_ASCII.fullmatch(uri):
        return f"is no address of up to {LONGEST} visible ASCII characters"
    if _LOOPBACK.fullmatch(uri):
        return None
    try:
        address = urlsplit(uri)
        has_user, host, _ = "@" in address.netloc, address.hostname, address.port
    except ValueError:
        return "is no address"
    if "#" in uri or "\\" in uri or has_user:
        return "has a fragment, a backslash or a user"
    if address.scheme == "https":
        return None if host else "has no host"
    if address.scheme == "http":
        return "is neither HTTPS nor of this machine"
    is_own = _OWN_SCHEME.fullmatch(address.scheme) and address.scheme not in _OF_BROWSERS
    return None if is_own else "has a scheme that a program can't have"


def is_registered(uri: str, registered: tuple[str, ...]) -> bool:
    """True if a program has registered this address, to the letter. On loopback the port may differ (RFC 8252, 7.3)."""
    return uri in registered or _without_port(uri) in {_without_port(other) for other in registered} - {None}


def _without_port(uri: str) -> tuple[str, str] | None:
    found = _LOOPBACK.fullmatch(uri)
    return (found[1], found[2]) if found else None


def shown(uri: str) -> str:
    """Where it leads, for people."""
    if _LOOPBACK.fullmatch(uri):
        return f"a program on this machine ({urlsplit(uri).netloc})"
    address = urlsplit(uri)
    return (
        address.netloc
        if address.scheme == "https"
        else f"the program on this machine that opens {address.scheme}: links"
    )


def with_result(uri: str, result: dict[str, str]) -> str:
    """The address to which a browser takes the result."""
    return f"{uri}{'&' if '?' in uri else '?'}{urlencode(result)}"


def form_targets(uri: str) -> tuple[str, ...]:
    """Where the form may lead that is answered by a redirect to this address."""
    scheme = urlsplit(uri).scheme
    return ANYWHERE if scheme in {"http", "https"} else (*ANYWHERE, f"{scheme}:")
