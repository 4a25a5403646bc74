"""Proxies through which calls outwards go: the setting, else the variables that other programs use, too."""

import base64
import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from moorage.errors import SettingsInvalid
from moorage.loopback import is_loopback

OFF = "off"
_FORM = "use a proxy such as http://proxy.example.com:3128, with or without http://user:password@"
_VARIABLES = {"https": ("https_proxy", "HTTPS_PROXY"), "http": ("http_proxy", "HTTP_PROXY")}
_EXCEPTIONS = ("no_proxy", "NO_PROXY")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that is spoken to in plain HTTP. The user and the password are empty if it wants none."""

    host: str
    port: int
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def authorization(self) -> bytes | None:
        """The value of Proxy-Authorization."""
        if not self.user and not self.password:
            return None
        return b"Basic " + base64.b64encode(f"{self.user}:{self.password}".encode())


def read_proxy(text: str) -> Proxy:
    """The proxy of a URL. Raises ValueError, whose message does not have the URL."""
    if not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError(_FORM)
    if "://" not in text:  # As other programs take it.
        text = f"http://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port or 80
    except ValueError:
        raise ValueError(_FORM) from None
    user, password = (unquote(part or "") for part in (parts.username, parts.password))
    is_sound = (user + password).isprintable() and ":" not in user
    if parts.scheme != "http" or not parts.hostname or parts.path.strip("/") or parts.query or not is_sound:
        raise ValueError(_FORM)
    return Proxy(parts.hostname, port, user, password)


class Proxies:
    """`setting` is a proxy for all calls, `off`, or empty: then the variables of `environ` count.

    `exceptions` name hosts that are reached without a proxy; if empty, NO_PROXY does. This machine never needs one.
    Raises SettingsInvalid if a variable names no proxy that can be used.
    """

    def __init__(
        self, setting: str = OFF, exceptions: tuple[str, ...] = (), environ: Mapping[str, str] | None = None
    ) -> None:
        self.use(setting, exceptions, environ or {})

    def use(self, setting: str, exceptions: tuple[str, ...], environ: Mapping[str, str]) -> None:
        """Use these from now on. Raises SettingsInvalid."""
        if setting:
            proxy = None if setting == OFF else read_proxy(setting)
            self._of_scheme: dict[str, Proxy | None] = dict.fromkeys(_VARIABLES, proxy)
        else:
            self._of_scheme = {scheme: _in_variables(names, environ) for scheme, names in _VARIABLES.items()}
        words = exceptions or tuple(re.split(r"[,\s]+", _first(_EXCEPTIONS, environ)))
        self._exceptions = tuple(word.lower() for word in words if word)

    def of(self, scheme: str, host: str, port: int) -> Proxy | None:
        """The proxy for calls to a host; None if they go there directly."""
        proxy = self._of_scheme.get(scheme)
        if proxy is None or is_loopback(host):
            return None
        name = host.lower()
        return None if any(_matches(word, name, port) for word in self._exceptions) else proxy


def _first(names: tuple[str, ...], environ: Mapping[str, str]) -> str:
    return next((text for name in names if (text := environ.get(name, "").strip())), "")


def _in_variables(names: tuple[str, ...], environ: Mapping[str, str]) -> Proxy | None:
    text = _first(names, environ)
    if not text:
        return None
    try:
        return read_proxy(text)
    except ValueError as error:
        fault = f"{names[1]}: {error}; or set MOORAGE_PROXY, which counts instead: off for none."
        raise SettingsInvalid(fault, help="`moorage help settings` explains every setting.") from None


def _matches(word: str, host: str, port: int) -> bool:
    """True if a word of NO_PROXY stands for a host: `*`, a name with all below it, an address, or a network."""
    if word == "*":
        return True
    if (named := re.fullmatch(r"(?P<host>\[.*\]|[^:]*):(?P<port>[0-9]{1,5})", word)) is not None:
        if int(named["port"]) != port:
            return False
        word = named["host"]
    word = word.strip("[]")
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        name = word.removeprefix("*").removeprefix(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return address in ipaddress.ip_network(word, strict=False)
    except ValueError:
        return False
