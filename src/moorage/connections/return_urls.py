"""Where people go after they have connected: only to addresses that the operator allows.

An allowed address is an origin and a beginning of a path. A return URL must have exactly this origin, and its path must
be this path or below it. It is compared in a form that leaves nothing to interpretation: what a browser could read in
another way (user names, backslashes, dot segments, percent signs in the path, white space, other characters than those
of ASCII) is not allowed at all.
"""

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias
from urllib.parse import parse_qsl, urlencode

from moorage.connections.errors import ReturnUrlRefused

Result: TypeAlias = Literal["ACTIVE", "FAILED"]

LONGEST = 1000
_RESULT_KEYS = ("connection_id", "status")
_PORTS = {"http": "80", "https": "443"}
_FORM = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(?:/[A-Za-z0-9._~-]*)*)(?:\?(?P<query>[A-Za-z0-9._~!$'()*+,=:@/?&%-]*))?"
)


class ReturnUrls:
    """`allowed` are base URLs such as https://app.example.com/connected."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self.use(allowed)

    def use(self, allowed: Sequence[str]) -> None:
        """Allow these from now on, and no others."""
        self._allowed = allowed
        self._places = [place for url in allowed if (place := _place(url)) is not None]

    def allows(self, url: str) -> bool:
        place = _place(url) if len(url) <= LONGEST else None
        if place is None:
            return False
        origin, path = place
        return any(origin == allowed and _is_below(path, root) for allowed, root in self._places)

    def require(self, url: str) -> None:
        """Raises ReturnUrlRefused."""
        if not self.allows(url):
            raise ReturnUrlRefused(url, self._allowed)

    def after(self, url: str | None, connection_id: str, status: Result) -> str | None:
        """The address to which a person goes; None if there is none, or if the operator no longer allows it."""
        if url is None or not self.allows(url):
            return None
        result = urlencode(dict(zip(_RESULT_KEYS, (connection_id, status), strict=True)))
        return f"{url}{'&' if '?' in url else '?'}{result}"


def _place(url: str) -> tuple[tuple[str, str, str], str] | None:
    """The origin and the path of a URL; None if a browser could read it in more than one way."""
    match = _FORM.fullmatch(url)
    if match is None:
        return None
    path, query = match["path"] or "/", match["query"] or ""
    if any(segment in {".", ".."} for segment in path.split("/")):
        return None
    if any(name in _RESULT_KEYS for name, _ in parse_qsl(query, keep_blank_values=True)):
        return None  # Whoever reads the result must not find another one in its place.
    return (match["scheme"], match["host"], match["port"] or _PORTS[match["scheme"]]), path


def _is_below(path: str, root: str) -> bool:
    return path == root or path.startswith(f"{root.rstrip('/')}/")
