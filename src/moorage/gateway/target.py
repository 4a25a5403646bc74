"""Where a call goes: the parts of its head that decide it, the target, and the origin of a remote upstream."""

import hashlib
import math
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from moorage.connections.model import Connection
from moorage.policies import Guard
from moorage.requests import Caller

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Origin:
    """The address of a remote upstream. `base_path` stands before every native path and does not end with a slash.

    Origins with the same `address` share their connections.
    """

    scheme: str
    host: str
    port: int
    base_path: bytes = b""
    authority: bytes = field(init=False, compare=False)
    address: bytes = field(init=False, compare=False)

    def __post_init__(self) -> None:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        object.__setattr__(self, "authority", f"{host}{port}".encode("ascii"))
        object.__setattr__(self, "address", b"%b://%b" % (self.scheme.encode("ascii"), self.authority))


def origin_of(base_url: str) -> Origin:
    """The origin of a base URL such as https://www.zohoapis.com, with or without a path. Raises ValueError."""
    parts = urlsplit(base_url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError(f"not a base URL: {base_url!r}")
    port = parts.port or _PORTS[parts.scheme]
    return Origin(parts.scheme, parts.hostname, port, parts.path.rstrip("/").encode("ascii"))


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a call, and its token. `origin` is None for the embedded CRM.

    The target may be remembered until `good_until`. At `ends` its token or the caller's key expires. Both times are in
    seconds since the epoch. `guard` decides about each call; without one, the caller may make all calls. If the token
    is not `renewable`, no other token can replace it. `through` has the headers that name the connection, and
    `through_lines` the same headers as bytes. `caller` is how the request log names who calls.
    """

    connection_id: str
    account_id: str
    app: str
    origin: Origin | None
    authorization: bytes = field(repr=False)
    good_until: float
    connection: Connection = field(repr=False)
    token: str = field(repr=False)
    renewable: bool
    through: tuple[tuple[bytes, bytes], ...]
    through_lines: bytes
    caller: Caller
    guard: Guard | None = field(default=None, repr=False)
    ends: float = math.inf


@dataclass(frozen=True, slots=True)
class RouteKey:
    """The parts of a request that decide where it goes: the app, the API key, and the chosen connection.

    Targets are remembered by `digest`, so that the memory holds no key in the clear.
    """

    app: bytes
    authorization: bytes | None = field(repr=False)
    connection: bytes | None
    digest: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # A header value contains no line break, so two different keys never make the same text.
        text = b"%b\n%b\n%b" % (self.app, self.authorization or b"", self.connection or b"")
        object.__setattr__(self, "digest", hashlib.sha256(text).digest())
