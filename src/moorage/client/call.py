"""Makes a call from arguments: its method, target, headers and body."""

import json as jsonlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from moorage import __version__
from moorage.client.errors import Misconfigured

Params: TypeAlias = Mapping[str, Any] | Sequence[tuple[str, Any]]

# The characters that are not encoded in a target: the reserved ones, and %, so that a path may come encoded.
_UNENCODED = "%/:?#[]@!$&'()*+,;=-._~"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Call:
    """A request before it is sent. `target` is the path with its query, percent-encoded, as in the request line."""

    method: str
    target: str
    headers: dict[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


def build_call(
    method: str,
    path: str,
    *,
    api_key: str,
    params: Params | None = None,
    json: Any = None,
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    connection: str | None = None,
) -> Call:
    """The call that these arguments of `Moorage.request` describe.

    Raises ValueError for a path, method or header that HTTP does not allow, and if there are both `json` and `body`.
    """
    if not path.startswith("/"):
        raise ValueError(f"The path {path!r} must begin with a slash")
    if json is not None and body is not None:
        raise ValueError("Use json or body, not both")
    defaults = {"Accept": "application/json", "User-Agent": f"moorage-client/{__version__}"}
    if json is not None:
        body = jsonlib.dumps(json, ensure_ascii=False).encode()
        defaults["Content-Type"] = "application/json"
    if connection is not None:
        defaults["Maton-Connection"] = connection
    merged = _override(defaults, headers or {})
    _check_head(method, merged)
    merged["Authorization"] = f"Bearer {api_key}"
    return Call(method.upper(), _target(path, params), merged, body)


def given(**members: Any) -> dict[str, Any]:
    """The members that are not None."""
    return {name: value for name, value in members.items() if value is not None}


def parse_base_url(text: str) -> SplitResult:
    """The parts of a server's address. Raises Misconfigured unless it is an http(s) URL with a host and no query."""
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment:
        raise Misconfigured(f"{text!r} is not the address of a server, such as http://127.0.0.1:8787")
    return url


def check_api_key(key: str | None) -> str:
    """The key without white space around it. Raises Misconfigured if it is missing, or has characters no key has."""
    key = (key or "").strip()
    if not key:
        raise Misconfigured(
            "There is no API key: set MOORAGE_API_KEY, or make a key with `moorage key create`"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Misconfigured("The API key has characters that no key has. Was it copied as a whole?")
    return key


def _check_head(method: str, headers: Mapping[str, str]) -> None:
    for name in (method, *headers):
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid method or name of a header")
    for name, value in headers.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"The header {name} has characters that HTTP does not allow")


def _target(path: str, params: Params | None) -> str:
    target = quote(path.partition("#")[0], safe=_UNENCODED)
    if not params:
        return target
    pairs = params.items() if isinstance(params, Mapping) else params
    query = urlencode([(name, _text(value)) for name, value in pairs], quote_via=quote, safe=",")
    return f"{target}{'&' if '?' in target else '?'}{query}"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _override(defaults: dict[str, str], headers: Mapping[str, str]) -> dict[str, str]:
    names = {name.lower() for name in headers}
    return {name: value for name, value in defaults.items() if name.lower() not in names} | dict(headers)
