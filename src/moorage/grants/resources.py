"""The resources that tokens are for (RFC 8707): the addresses of the MCP server, each with what is below it."""

import re
from typing import Literal, TypeAlias, cast
from urllib.parse import urlsplit

import msgspec

Kind: TypeAlias = Literal["mcp", "account", "maton", "ops", "lab"]

ROOT = "/mcp"
SCOPE = "mcp"  # The only scope of OAuth. What a program may do, the person chooses on the page.
PROTECTED_RESOURCE = "/.well-known/oauth-protected-resource"
# The paths of all resources, as patterns of routes.
PATHS = (ROOT, f"{ROOT}/c/{{account}}", f"{ROOT}/maton", f"{ROOT}/ops", f"{ROOT}/lab")
_PATH = re.compile(rf"{ROOT}(?:/c/(?P<account>[a-z0-9-]{{1,63}})|/(?P<kind>maton|ops|lab))?")
_DEFAULT_PORT = {"http": 80, "https": 443}


class Resource(msgspec.Struct, frozen=True):
    """`url` is its identifier. `account` is the id or the alias of a connection, if the resource is that of one."""

    url: str
    kind: Kind
    account: str | None = None


class Resources:
    """`public_url` is the base URL of the gateway, and `prefix` its path, if it has one."""

    def __init__(self, public_url: str) -> None:
        self.public_url = public_url
        self.prefix = urlsplit(public_url).path.rstrip("/")
        self._place = _place(public_url)

    def at(self, path: str) -> Resource | None:
        """The resource with a path below the base URL."""
        found = _PATH.fullmatch(path)
        if found is None:
            return None
        kind = found["kind"] or ("mcp" if found["account"] is None else "account")
        return Resource(f"{self.public_url}{path}", cast("Kind", kind), found["account"])

    def read(self, text: str) -> Resource | None:
        """The resource with this identifier, also if its host is in upper case, or a slash follows."""
        try:
            address, place = urlsplit(text), _place(text)
        except ValueError:
            return None
        is_plain = not ({"?", "#", "@"} & set(text)) and text.isascii() and text.isprintable()
        if not is_plain or place != self._place or not address.path.startswith(self.prefix):
            return None
        return self.at(address.path.removeprefix(self.prefix).rstrip("/"))

    def challenge(self, path: str, *, was_sent: bool) -> str:
        """What `WWW-Authenticate` says at a path (RFC 6750, RFC 9728). `was_sent` says whether a token came.

        The metadata are below the base URL, as a proxy may pass nothing else on.
        """
        place = path if self.at(path) is not None else ROOT  # A path may have any characters.
        error = ', error="invalid_token"' if was_sent else ""
        where = f"{self.public_url}{PROTECTED_RESOURCE}{place}"
        return f'Bearer resource_metadata="{where}", scope="{SCOPE}"{error}'


def covers(of_token: str, called: str) -> bool:
    """True if a token for one resource is for the other one, too: they are the same, or the other one is below it."""
    return called == of_token or called.startswith(f"{of_token}/")


def _place(url: str) -> tuple[str, str | None, int | None]:
    """Scheme, host and port of a URL. Raises ValueError."""
    address = urlsplit(url)
    return address.scheme, address.hostname, address.port or _DEFAULT_PORT.get(address.scheme)
