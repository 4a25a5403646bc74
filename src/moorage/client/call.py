"""A call as a plain value: how arguments become a method, a target, headers and a body."""

import json as jsonlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from moorage import __version__
from moorage.client.errors import Misconfigured

Params: TypeAlias = Mapping[str, Any] | Sequence[tuple[str, Any]]

# What may stand in a target as it is: the reserved characters, and % so that an escaped path stays as it was.
_AS_IT_IS = "%/:?#[]@!$&'()*+,;=-._~"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


@dataclass(frozen=True, slots=True)
class Call:
    """`target` is the path with its query, percent-encoded, as it stands on the request line."""

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
    """Raises ValueError for what can't stand in a request, and for both `json` and `body`."""
    if not path.startswith("/"):
        raise ValueError(f"The path {path!r} must begin with a slash")
    if json is not None and body is not None:
        raise ValueError("Give json or body, not both")
    sent = {"Accept": "application/json", "User-Agent": f"moorage-client/{__version__}"}
    if json is not None:
        body = jsonlib.dumps(json, ensure_ascii=False).encode()
        sent["Content-Type"] = "application/json"
    if connection is not None:
        sent["Maton-Connection"] = connection
    sent = _override(sent, headers or {})
    _check_head(method, sent)
    sent["Authorization"] = f"Bearer {api_key}"
    return Call(method.upper(), _target(path, params), sent, body)


def parse_base_url(text: str) -> SplitResult:
    """Raises Misconfigured unless the address is http(s) with a host and nothing behind the path."""
    try:
        url = urlsplit(text)
        usable = url.scheme in {"http", "https"} and url.hostname and url.port != 0
    except ValueError:
        usable = False
    if not usable or url.query or url.fragment:
        raise Misconfigured(f"{text!r} is not the address of a server; one looks like http://127.0.0.1:8787")
    return url


def check_api_key(key: str | None) -> str:
    """The key without the white space around it. Raises Misconfigured if there is none, or it can't be one."""
    key = (key or "").strip()
    if not key:
        raise Misconfigured(
            "No API key was given: set MOORAGE_API_KEY, or make a key with `moorage key create`"
        )
    if not key.isascii() or not key.isprintable() or " " in key:
        raise Misconfigured("The API key has characters that no key has; was it copied whole?")
    return key


def _check_head(method: str, headers: Mapping[str, str]) -> None:
    for name in (method, *headers):
        if not _TOKEN.fullmatch(name):
            raise ValueError(f"{name!r} can't be a method or the name of a header")
    for name, value in headers.items():
        if not _VALUE.fullmatch(value):
            raise ValueError(f"The header {name} has characters that no header can carry")


def _target(path: str, params: Params | None) -> str:
    target = quote(path.partition("#")[0], safe=_AS_IT_IS)
    if not params:
        return target
    pairs = params.items() if isinstance(params, Mapping) else params
    query = urlencode([(name, _param(value)) for name, value in pairs], quote_via=quote, safe=",")
    return f"{target}{'&' if '?' in target else '?'}{query}"


def _param(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _override(defaults: dict[str, str], given: Mapping[str, str]) -> dict[str, str]:
    named = {name.lower() for name in given}
    return {name: value for name, value in defaults.items() if name.lower() not in named} | dict(given)
