"""Zoho's data centres. On the CRM's origin each has a base path of its own, such as `/dc/eu`.

A path without such a base belongs to no centre, and serves the organisations of every centre.
"""

import msgspec

CENTRES = ("us", "eu", "in", "au", "jp", "cn", "ca", "sa")
HOME = "us"  # The data centre of an organisation for which none was chosen.

_PREFIX = b"/dc/"


class Site(msgspec.Struct, frozen=True):
    """Where a request arrived. `origin` is the CRM's base URL. `centre` is None for a path without a data centre."""

    origin: str
    centre: str | None

    def admits(self, centre: str) -> bool:
        """True if the organisations of a data centre are served here."""
        return self.centre is None or self.centre == centre

    @property
    def here(self) -> str:
        """The base URL to which the request was sent."""
        return self.origin if self.centre is None else self.base(self.centre)

    def base(self, centre: str) -> str:
        """The base URL of a data centre. Without a centre in the request, that of the home centre is the origin."""
        if self.centre is None and centre == HOME:
            return self.origin
        return f"{self.origin}/dc/{centre}"


ANYWHERE = Site("", None)  # For calls inside this process, which have no address.


def split(path: bytes) -> tuple[str | None, bytes]:
    """The data centre with whose base a path begins, or None, and the rest of the path."""
    if path.startswith(_PREFIX):
        name, slash, rest = path[len(_PREFIX) :].partition(b"/")
        centre = name.decode("latin-1")
        if centre in CENTRES:
            return centre, slash + rest or b"/"
    return None, path


def require(centre: str) -> None:
    """Raises ValueError if there is no such data centre."""
    if centre not in CENTRES:
        raise ValueError(f"there is no data centre {centre!r}; use one of: {', '.join(CENTRES)}")
