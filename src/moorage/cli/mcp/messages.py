"""The messages of MCP as the proxy needs them: what a line holds, and the headers that repeat parts of it.

The specification is MCP's, revision 2026-07-28 (basic/transports/stdio, basic/transports/streamable-http).
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Id: TypeAlias = str | int | float

PARSE_ERROR = -32700
INVALID_REQUEST = -32600
NOT_ANSWERED = -32000  # Free for the implementation: the server could not be asked, or gave no answer of MCP.
HEADER_MISMATCH = -32020

_VERSION = "io.modelcontextprotocol/protocolVersion"
_NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}
_MIRRORED_TYPES = {"string", "integer", "boolean"}
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_PLAIN = re.compile(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?")
_ENCODED = re.compile(r"=\?base64\?.*\?=")


class NotAMessage(Exception):
    """A line that is no message. `code` is that of JSON-RPC."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Message:
    """A line of the client. `id` is None for what gets no answer: a notification, or an answer of the client's."""

    line: bytes = field(repr=False)
    method: str | None
    id: Id | None
    params: Mapping[str, Any] = field(repr=False)

    @property
    def version(self) -> str | None:
        """The revision of the protocol, which each request names since 2026-07-28; None in earlier revisions."""
        meta = self.params.get("_meta")
        version = meta.get(_VERSION) if isinstance(meta, dict) else None
        return version if isinstance(version, str) else None

    def asking(self, method: str) -> "Message":
        """Another request, of the same client and in the same revision."""
        params = {"_meta": self.params.get("_meta", {})}
        line = json.dumps({"jsonrpc": "2.0", "id": 0, "method": method, "params": params}).encode()
        return Message(line, method, 0, params)

    @property
    def cancelled(self) -> Id | None:
        """The id of the request that this notification cancels; None for all other messages."""
        return _id(self.params.get("requestId")) if self.method == "notifications/cancelled" else None


def read(line: bytes) -> Message:
    """The message of a line. Raises NotAMessage."""
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise NotAMessage(PARSE_ERROR, "This line is not JSON. Each line holds one message.") from None
    if not isinstance(document, dict) or document.get("jsonrpc") != "2.0":
        raise NotAMessage(INVALID_REQUEST, 'A message is an object with "jsonrpc": "2.0".')
    method, params = document.get("method"), document.get("params")
    if method is None and ("result" in document or "error" in document):
        return Message(line, None, None, {})
    if not isinstance(method, str):
        raise NotAMessage(INVALID_REQUEST, "The method of a message is a text.")
    if "id" in document and _id(document["id"]) is None:
        raise NotAMessage(INVALID_REQUEST, "The id of a request is a text or a number.")
    return Message(line, method, _id(document.get("id")), params if isinstance(params, dict) else {})


def _id(value: Any) -> Id | None:
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def document(body: bytes) -> dict[str, Any] | None:
    """The object of JSON in an answer's body; None if there is none."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def answers(document: Any, message_id: Id | None) -> bool:
    """True for the answer to the request with this id. A failure may have no id, if the server could not read it."""
    if not isinstance(document, dict) or document.get("jsonrpc") != "2.0" or message_id is None:
        return False
    is_failure = isinstance(document.get("error"), dict)
    same = document.get("id") == message_id or (is_failure and document.get("id") is None)
    return same and (is_failure or "result" in document)


def error(
    message_id: Id | None, code: int, message: str, data: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """An answer that reports a failure. Members of `data` that are None are left out."""
    facts = {name: value for name, value in (data or {}).items() if value is not None}
    failure = {"code": code, "message": message} | ({"data": facts} if facts else {})
    return {"jsonrpc": "2.0", "id": message_id, "error": failure}


def headers(message: Message, negotiated: str | None, mirrors: "Mirrors") -> dict[str, str]:
    """The headers with which HTTP repeats parts of a message. `negotiated` is what `initialize` has agreed on."""
    version = message.version
    if version is None:
        is_first = negotiated is None or message.method == "initialize"
        return {} if is_first else {"MCP-Protocol-Version": header_value(negotiated or "")}
    named = {"MCP-Protocol-Version": header_value(version), "Mcp-Method": header_value(message.method or "")}
    name = message.params.get(_NAMED_BY.get(message.method or "", ""))
    if isinstance(name, str):
        named["Mcp-Name"] = header_value(name)
    return named | mirrors.headers(message)


def header_value(text: str) -> str:
    """The text as the value of a header: itself if it is plain ASCII, else in base64 between two marks."""
    if _PLAIN.fullmatch(text) and not _ENCODED.fullmatch(text):
        return text
    return f"=?base64?{base64.b64encode(text.encode('utf-8', 'surrogatepass')).decode()}?="


class Mirrors:
    """The arguments of tools that headers repeat, because the tool's schema marks them with `x-mcp-header`."""

    def __init__(self) -> None:
        self._by_tool: dict[str, dict[tuple[str, ...], str]] = {}

    def learn(self, result: Any) -> None:
        """Remember the marks in a result of `tools/list`."""
        tools = result.get("tools") if isinstance(result, dict) else None
        for tool in tools if isinstance(tools, list) else ():
            if isinstance(tool, dict) and isinstance(tool.get("name"), str):
                self._by_tool[tool["name"]] = dict(_marks(tool.get("inputSchema"), ()))

    def headers(self, message: Message) -> dict[str, str]:
        if message.method != "tools/call":
            return {}
        marks = self._by_tool.get(str(message.params.get("name")), {})
        values = {name: _value(message.params.get("arguments"), path) for path, name in marks.items()}
        return {f"Mcp-Param-{name}": header_value(text) for name, text in values.items() if text is not None}


def _marks(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The marked arguments: the path to each, and the name of its header."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    for key, inner in properties.items() if isinstance(properties, dict) else ():
        if not isinstance(inner, dict):
            continue
        name = inner.get("x-mcp-header")
        if isinstance(name, str) and _TOKEN.fullmatch(name) and inner.get("type") in _MIRRORED_TYPES:
            yield (*path, key), name
        yield from _marks(inner, (*path, key))


def _value(arguments: Any, path: tuple[str, ...]) -> str | None:
    """The argument at a path as text; None if there is none that a header can hold."""
    for key in path:
        arguments = arguments.get(key) if isinstance(arguments, dict) else None
    if isinstance(arguments, bool):
        return "true" if arguments else "false"
    return str(arguments) if isinstance(arguments, str | int) else None
