"""What the path and the query of a request say, without their percent signs."""

from collections.abc import Mapping
from urllib.parse import unquote_to_bytes


def segments(path: bytes) -> list[str]:
    """The segments of a path."""
    text = path[1:].decode("latin-1")
    if "%" in text:
        return [_decoded(segment, plus=False) for segment in text.split("/")]
    return text.split("/")


def parameters(query: bytes) -> Mapping[str, str]:
    """The parameters of a query. The last value of a name counts. Bytes that are not UTF-8 are replaced."""
    values = {}
    for pair in query.decode("latin-1").split("&"):
        name, _, value = pair.partition("=")
        if name:
            values[_decoded(name)] = _decoded(value)
    return values


def _decoded(text: str, *, plus: bool = True) -> str:
    if "%" not in text and "+" not in text and text.isascii():
        return text
    raw = text.encode("latin-1")
    return unquote_to_bytes(raw.replace(b"+", b" ") if plus else raw).decode("utf-8", "replace")
