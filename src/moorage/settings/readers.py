"""Read the text of a setting: a function for each kind of value.

Each raises ValueError with a message that says what is allowed, and that does not contain the text.
"""

import base64
import binascii
import ipaddress
import re
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from moorage.letters import lowered
from moorage.loopback import is_loopback
from moorage.proxies import OFF, read_proxy
from moorage.settings.clients import decode_clients

# Of a process's connections to the control database, one writes and another watches for changes; of those to a server
# of the CRM, one writes and two do long work. The others read.
MIN_CONNECTIONS = 3
MIN_CRM_CONNECTIONS = 4
MAX_CONNECTIONS = 100
_RETURN_URL = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?(/[A-Za-z0-9._~-]*)*")


class Listening(NamedTuple):
    """An address to listen at."""

    host: str
    port: int


_METRICS = Listening("127.0.0.1", 8789)
_HOST_AND_PORT = re.compile(r"(?P<host>[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]):(?P<port>[0-9]{1,5})")


class Secret:
    """A value that `repr` and logs do not show."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(…)"


def plain(text: str) -> str:
    return text


def folder(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError as error:  # This user has no home folder, or the user named after ~ does not exist.
        raise ValueError("use an absolute path, because the home folder of ~ is not known") from error


def port(text: str) -> int:
    return _whole(text, 0, 65_535, "use a number from 0 to 65535; 0 picks a free port")


def url(text: str) -> str | None:
    if not text:
        return None
    has_shape = re.fullmatch(r"https?://[^\s/?#@\\]+(/[^\s?#\\]*)?", text, re.IGNORECASE)
    if not has_shape or not urlsplit(text).hostname or _has_bad_port(text):
        raise ValueError("use a base URL such as https://moorage.example.com")
    return text.rstrip("/")


def issuer(text: str) -> str | None:
    """The URL of an OpenID Connect issuer, exactly as it names itself. Plain HTTP is only for this machine."""
    if not text:
        return None
    try:
        url(text)
    except ValueError as error:
        raise ValueError("use the issuer's URL, such as https://accounts.example.com") from error
    if urlsplit(text).scheme != "https" and not is_loopback(urlsplit(text).hostname or ""):
        raise ValueError("use HTTPS, as whoever reads the network could sign in as anybody")
    return text


def secret(text: str) -> Secret | None:
    return Secret(text) if text else None


def addresses(text: str) -> tuple[str, ...]:
    """E-mail domains and addresses, separated by commas."""
    words = tuple(lowered(word).removeprefix("@") for word in _words(text))
    if not all(re.fullmatch(r"([^\s@]{1,64}@)?[a-z0-9.-]{1,253}", word) for word in words):
        raise ValueError("use domains and addresses such as example.com, ada@example.org")
    return words


def role(text: str) -> str | None:
    if text not in {"none", "operator", "approver", "support"}:
        raise ValueError("use operator, approver, support or none; owners are invited")
    return None if text == "none" else text


def policy(text: str) -> str:
    if text not in {"open", "cautious", "strict", "readonly"}:
        raise ValueError("use open, cautious, strict or readonly")
    return text


class ProxyUrl(str):
    """The URL of a proxy. `repr` does not show it, because it may contain a password."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ProxyUrl(…)"


def proxy(text: str) -> str:
    """The URL of a proxy, `off`, or an empty text."""
    if text in {"", OFF}:
        return text
    read_proxy(text)
    return ProxyUrl(text)


def hosts(text: str) -> tuple[str, ...]:
    """Names of hosts with all below them, addresses and networks, separated by commas."""
    words = _words(text)
    if not all(re.fullmatch(r"[A-Za-z0-9.:/*\[\]_-]+", word) for word in words):
        raise ValueError("use hosts, addresses and networks such as intranet.example.com, 10.0.0.0/8")
    return words


def has_user(url: str) -> bool:
    """True if the URL of a proxy contains a user, and so maybe a password."""
    return "@" in url


def receivers(text: str) -> tuple[str, ...]:
    """The words `local` and `public`, and networks, separated by commas."""
    words = _words(text)
    try:
        for word in words:
            if word not in {"local", "public"}:
                ipaddress.ip_network(word)
    except ValueError:
        raise ValueError("use local, public or networks such as 10.1.0.0/16, separated by commas") from None
    return words


def return_urls(text: str) -> tuple[str, ...]:
    """Origins with the beginning of a path, separated by commas, without what browsers could read in another way."""
    words = _words(text)
    for word in words:
        if not _RETURN_URL.fullmatch(word) or "/." in word or _has_bad_port(word):
            raise ValueError(
                "use addresses such as https://app.example.com/connected, separated by commas: the host in small"
                " letters, and only A-Z a-z 0-9 . _ ~ - in the path"
            )
    return words


def _words(text: str) -> tuple[str, ...]:
    """The words of a list, which are separated by commas or spaces."""
    return tuple(word for word in re.split(r"[,\s]+", text) if word)


def _has_bad_port(url: str) -> bool:
    try:
        return urlsplit(url).port == 0
    except ValueError:
        return True


def api_key(text: str) -> Secret | None:
    if not text:
        return None
    if len(text) < 16 or not re.fullmatch(r"[\x21-\x7e]+", text):
        raise ValueError("use at least 16 visible ASCII characters without spaces")
    if len(set(text)) < 8:
        # Moorage keeps only its SHA-256. That does not protect a key that can be guessed.
        raise ValueError(
            "use a key that can't be guessed, with at least 8 different characters, "
            "such as `openssl rand -hex 32` gives"
        )
    return Secret(text)


def oauth_clients(text: str) -> Secret | None:
    if not text:
        return None
    decode_clients(text)
    return Secret(text)


def vault_key(text: str) -> Secret | None:
    if not text:
        return None
    decode_keys(text)
    return Secret(text)


def decode_keys(text: str) -> list[bytes]:
    """The keys in a text that separates them by commas or line breaks. Raises ValueError if there is no key, too."""
    return [decode_key(key) for key in re.split(r"[\s,]+", text.strip(", \t\r\n"))]


def decode_key(text: str) -> bytes:
    """The 32 bytes of a key that is written in base64 or hexadecimal. Raises ValueError."""
    try:
        raw = bytes.fromhex(text) if re.fullmatch(r"[0-9a-fA-F]{64}", text) else _base64(text)
    except (ValueError, binascii.Error):
        raw = b""
    if len(raw) != 32:
        raise ValueError(
            "use 32 random bytes in base64 or hexadecimal, such as `openssl rand -base64 32` gives"
        )
    return raw


def _base64(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4), validate=True)


def seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) or float(text) <= 0:
        raise ValueError("use a number of seconds above 0, such as 60")
    return float(text)


def approval_time(text: str) -> int:
    return _whole(text, 10, 86_400, "use a number of seconds from 10 to 86400, such as 900")


def approval_body(text: str) -> int:
    return _whole(text, 1024, 4 * 1024 * 1024, "use a number of bytes from 1024 to 4194304, such as 1048576")


def delay(text: str) -> float:
    if not re.fullmatch(r"\d{1,3}(\.\d{1,3})?", text, re.ASCII):
        raise ValueError("use a number of seconds from 0 to 999, such as 5")
    return float(text)


def ratio(text: str) -> float:
    if not re.fullmatch(r"(0?\.\d{1,6}|0(\.0{1,6})?|1(\.0{1,6})?)", text, re.ASCII):
        raise ValueError("use a number from 0 to 1, such as 0.01")
    return float(text)


def rate(text: str) -> float | str | None:
    if text in {"", "auto"}:
        return "auto"
    if text == "off":
        return None
    if not re.fullmatch(r"\d{1,6}(\.\d{1,3})?", text, re.ASCII) or float(text) <= 0:
        raise ValueError("use a number of requests per second above 0, such as 10, or off")
    return float(text)


def connections(text: str) -> int:
    return _connections(text, MIN_CONNECTIONS)


def crm_connections(text: str) -> int:
    return _connections(text, MIN_CRM_CONNECTIONS)


def _connections(text: str, fewest: int) -> int:
    fault = f"use a number of connections from {fewest} to {MAX_CONNECTIONS}"
    return _whole(text, fewest, MAX_CONNECTIONS, fault)


def level(text: str) -> str:
    if text.lower() not in {"debug", "info", "warning", "error"}:
        raise ValueError("use debug, info, warning or error")
    return text.lower()


def count(text: str) -> int:
    return _whole(text, 0, 999_999_999, "use a whole number of up to 9 digits; 0 keeps none")


def listening(text: str) -> Listening | None:
    if text.lower() == "off":
        return None
    if text.lower() == "on":
        return _METRICS
    named = _HOST_AND_PORT.fullmatch(text)
    if named is None or int(named["port"]) > 65_535:
        raise ValueError("use off, on, or a host and a port such as 127.0.0.1:8789; port 0 picks a free one")
    return Listening(named["host"].strip("[]"), int(named["port"]))


def switch(text: str) -> bool:
    if text.lower() not in {"on", "off"}:
        raise ValueError("use on or off")
    return text.lower() == "on"


def body_size(text: str) -> int:
    return _whole(text, 1, 256 * 1024, "use a number of bytes from 1 to 262144, such as 16384")


def days(text: str) -> int:
    return _whole(text, 1, 9999, "use a whole number from 1 to 9999")


def _whole(text: str, least: int, most: int, fault: str) -> int:
    """The whole number, which has no more digits than the largest that is allowed. Raises ValueError(fault)."""
    if not re.fullmatch(r"[0-9]+", text) or len(text) > len(str(most)) or not least <= int(text) <= most:
        raise ValueError(fault)
    return int(text)
