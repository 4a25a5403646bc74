"""Zoho's data centres, each under a base path of its own on the CRM's one origin, such as `/dc/eu`.

The root belongs to no centre: whoever calls there is taken to be in the right one.
"""

from dataclasses import dataclass

CENTRES = ("us", "eu", "in", "au", "jp", "cn", "ca", "sa")
HOME = "us"  # Of an organisation that chose none.

_PREFIX = b"/dc/"


@dataclass(frozen=True, slots=True)
class Site:
    """Where a request arrived: `origin` is the CRM's base URL, `centre` None at the root."""

    origin: str
    centre: str | None

    def admits(self, centre: str) -> bool:
        return self.centre is None or self.centre == centre

    @property
    def here(self) -> str:
        """The base URL that was asked."""
        return self.origin if self.centre is None else self.base(self.centre)

    def base(self, centre: str) -> str:
        """The base URL by which a centre is named here. At the root the home centre's is the root itself."""
        if self.centre is None and centre == HOME:
            return self.origin
        return f"{self.origin}/dc/{centre}"


ANYWHERE = Site("", None)  # For those who ask in process, and so at no address.


def split(path: bytes) -> tuple[str | None, bytes]:
    """The centre whose base a path begins with, None for none, and what follows the base."""
    if path.startswith(_PREFIX):
        name, slash, rest = path[len(_PREFIX) :].partition(b"/")
        centre = name.decode("latin-1")
        if centre in CENTRES:
            return centre, slash + rest or b"/"
    return None, path


def require(centre: str) -> None:
    """Raises ValueError for what is no data centre."""
    if centre not in CENTRES:
        raise ValueError(f"no data centre is called {centre!r}; there are: {', '.join(CENTRES)}")
