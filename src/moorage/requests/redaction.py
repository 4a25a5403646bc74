"""What of a body is kept: JSON and forms, without the values of what may be a secret. All else is only described."""

import json
import re
from typing import Any
from urllib.parse import quote_plus, unquote_plus

from moorage.requests.bodies import Bodies, Body
from moorage.secret_names import HIDDEN, names_secret, without_secrets

_MOST_DEPTH = 40
_FORM = "application/x-www-form-urlencoded"
_TYPE = re.compile(r"[\w!#$&^.+-]{1,60}/[\w!#$&^.+-]{1,100}", re.ASCII)
_TOKEN = re.compile(r'\s+|"[^"\\]*(?:\\.[^"\\]*)*"|[][{},:]|[^\s"\[\]{},:]+', re.DOTALL)
_UNPRINTABLE = re.compile("[\x7f-\x9f\ud800-\udfff]")
_CLOSING = {"[": "]", "{": "}"}
# Members of an object that has one name and one value, such as {"name": "password", "value": "x"}.
_NAMING = frozenset({"name", "key", "api_name", "field", "header"})
_NAMED = frozenset({"value", "values", "content"})


class _Unreadable(Exception):
    """A body can't be read as what it says to be."""


def documents(bodies: Bodies) -> dict[str, Any]:
    """Both bodies of a call, as the API shows them."""
    return {
        "request": _document(bodies.request, bodies.secrets),
        "answer": _document(bodies.answer, bodies.secrets),
    }


def _document(body: Body | None, secrets: tuple[bytes, ...]) -> dict[str, Any] | None:
    """A body in the form of the API. `why` says why it is not there as a whole."""
    if body is None:
        return None
    named = body.type.decode("latin-1").partition(";")[0].strip().lower()
    type_ = named if _TYPE.fullmatch(named) else None
    why, text = _without_look(body), None
    if why is None:
        try:
            text = _text(body, type_, secrets)
            why = "too_long" if body.is_cut and text is not None else None if text is not None else "type"
        except (ValueError, RecursionError, _Unreadable):
            why = "unreadable"
    return {"type": type_, "bytes": body.size, "text": text, "why": why}


def _without_look(body: Body) -> str | None:
    """Why a body is left out before anybody has looked at it."""
    if body.is_crowded:
        return "crowded"
    if body.is_file:
        return "file"
    return None if body.coding.strip().lower() in {b"", b"identity"} else "compressed"


def _text(body: Body, type_: str | None, secrets: tuple[bytes, ...]) -> str | None:
    """The text of JSON or of a form without its secrets; None if it is neither. Raises ValueError, RecursionError."""
    start = body.start
    for secret in secrets:
        start = start.replace(secret, HIDDEN.encode())
    is_json = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"{", b"["} or (type_ or "").endswith("json")
    if not is_json and type_ != _FORM:
        return None
    # The last character of a body that was cut may have lost some of its bytes.
    text = start.decode("utf-8-sig", "ignore" if body.is_cut else "strict")
    if is_json:
        return _json(_closed(text) if body.is_cut else text)
    return _form(text.rpartition("&")[0] if body.is_cut else text)


def _json(text: str) -> str:
    return _dumped(_redacted(json.loads(text), _MOST_DEPTH))


def _dumped(value: Any) -> str:
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _closed(text: str) -> str:
    """The longest beginning of a JSON text that has whole members and elements, with its brackets closed."""
    closing: list[str] = []
    read = end = 0
    for match in _TOKEN.finditer(text):
        if match.start() != read:
            break  # Here begins a string without an end.
        read, token = match.end(), match[0]
        if token in _CLOSING:
            closing.append(_CLOSING[token])
            end = read
        elif token in {"]", "}"}:
            if not closing:
                raise _Unreadable
            closing.pop()
            end = read
        elif token == ",":
            end = match.start()
    return text[:end] + "".join(reversed(closing))


def _redacted(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return _redacted_text(value, depth)
    if isinstance(value, dict | list) and not depth:
        return "…"
    if isinstance(value, list):
        return [_redacted(element, depth - 1) for element in value]
    if isinstance(value, dict):
        return _members(value, depth - 1)
    return value


def _members(members: dict[str, Any], depth: int) -> dict[str, Any]:
    names_one = any(
        isinstance(name, str) and names_secret(name)
        for key, name in members.items()
        if key.lower() in _NAMING
    )
    shown = {}
    for name, value in members.items():
        is_secret = names_secret(name) or (names_one and name.lower() in _NAMED)
        is_nothing = value is None or value is True or value is False or value == ""
        shown[without_secrets(name)] = HIDDEN if is_secret and not is_nothing else _redacted(value, depth)
    return shown


def _redacted_text(text: str, depth: int) -> str:
    """A text without its secrets. It may be JSON within JSON."""
    if depth and text.lstrip()[:1] in {"{", "["}:
        try:
            inner = json.loads(text)
        except (ValueError, RecursionError):
            return without_secrets(text)
        redacted = _redacted(inner, depth - 1)
        return without_secrets(text) if redacted == inner else _dumped(redacted)
    return without_secrets(text)


def _form(text: str) -> str:
    return "&".join(_field(*piece.partition("=")) for piece in text.split("&"))


def _field(name: str, equals: str, value: str) -> str:
    if not equals:
        return HIDDEN * bool(name)  # It may be a value without a name.
    name, value = unquote_plus(name), unquote_plus(value)
    hides = value and names_secret(name)
    shown = HIDDEN if hides else quote_plus(_redacted_text(value, _MOST_DEPTH), safe="()/:")
    return f"{quote_plus(without_secrets(name))}={shown}"
