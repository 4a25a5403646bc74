"""What a tool is, and how its arguments and its result are described to agents."""

import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import msgspec

from moorage.access import Principal
from moorage.mcp.answers import Told
from moorage.mcp.errors import ToolFailed
from moorage.mcp.session import Session
from moorage.near import did_you_mean
from moorage.policies import Kind
from moorage.policies.model import KINDS

ACCOUNT = (
    "account"  # The argument that names the account. It is absent where the path of the server names it.
)

A = TypeVar("A", bound=msgspec.Struct)


@dataclass(frozen=True)
class Tool(Generic[A]):
    """`kind` is the worst that it does, and `least` the least, if that is something else.

    A key sees the tool if it may do the least of it somewhere. A tool of the control API has a `scope` in place of
    that, as policies are about apps. `arguments` and `result` are structs, from which the JSON schemas are made;
    without a `result` it is any JSON. An `is_open` tool reaches beyond the accounts that are connected.
    One that `is_of_one_account` is also there where the path of the server names the account.
    """

    name: str
    title: str
    description: str
    arguments: type[A]
    result: type[msgspec.Struct] | None
    run: Callable[[Session, A], Awaitable[Told]]
    kind: Kind = "read"
    least: Kind | None = None
    scope: str | None = None
    is_idempotent: bool = False
    is_open: bool = False
    is_of_one_account: bool = True

    def worst(self, kinds: Collection[Kind]) -> Kind:
        """The worst that it does for a key that may make calls of these kinds."""
        if self.least is None:
            return self.kind
        possible = KINDS[: KINDS.index(self.kind) + 1]
        return next((kind for kind in reversed(possible) if kind in kinds), self.least)

    def is_for(self, principal: Principal, kinds: Collection[Kind], account: str | None = None) -> bool:
        """True if a key sees it, which may make calls of these kinds to apps; at the path of this account."""
        if account is not None and not self.is_of_one_account:
            return False
        return principal.may(self.scope) if self.scope is not None else (self.least or self.kind) in kinds

    def asked(self, arguments: Mapping[str, Any]) -> A:
        """The arguments, checked. Raises ToolFailed, which names the wrong one."""
        _require_json(self.name, arguments)
        try:
            return msgspec.convert(arguments, self.arguments)
        except msgspec.ValidationError as error:
            raise ToolFailed(
                f"{self.name}: {_told(str(error), self._names)}", code="arguments_invalid"
            ) from None

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(field.encode_name for field in msgspec.structs.fields(self.arguments))

    @cached_property
    def input_schema(self) -> dict[str, Any]:
        return schema_of(self.arguments)

    @cached_property
    def output_schema(self) -> dict[str, Any] | None:
        """What a result may have. A call that waits for a person has none of it, so nothing is required."""
        if self.result is None:
            return None
        return {key: part for key, part in schema_of(self.result, _OF_RESULTS).items() if key != "required"}

    def input_schema_for(self, account: str | None) -> dict[str, Any]:
        """The schema of the arguments, without the account if the path of the server names it."""
        schema = self.input_schema
        if account is None or ACCOUNT not in schema["properties"]:
            return schema
        properties = {name: inner for name, inner in schema["properties"].items() if name != ACCOUNT}
        return {**schema, "properties": properties}


def _require_json(tool: str, arguments: Mapping[str, Any]) -> None:
    """Raises ToolFailed for arguments that can't be written as JSON again, such as an infinite number."""
    reason = None
    try:
        json.dumps(arguments, allow_nan=False, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        reason = "A text has a character that is not whole (a lone surrogate)."
    except RecursionError:
        reason = "Lists and objects lie too deep within each other."
    except ValueError:
        reason = "A number is too large."
    if reason is not None:
        raise ToolFailed(f"{tool}: {reason}", code="arguments_invalid")


_UNSAID = frozenset({"$defs", "title"})
_OF_RESULTS = _UNSAID | {"description", "default"}  # A result shows itself what it is.


def schema_of(struct: type[msgspec.Struct], unsaid: Collection[str] = _UNSAID) -> dict[str, Any]:
    """The JSON schema of a struct, in one piece, without what says nothing to an agent."""
    whole = msgspec.json.schema(struct)
    schema: dict[str, Any] = _plain(whole, whole.get("$defs", {}), unsaid)
    return schema


def _plain(schema: Any, named: Mapping[str, Any], unsaid: Collection[str]) -> Any:
    """A schema without references, titles and null: an argument without a value is left out, and null does the same."""
    if isinstance(schema, list):
        return [_plain(part, named, unsaid) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(named[schema["$ref"].rpartition("/")[2]], named, unsaid)
    choices = [choice for choice in schema.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1:
        rest = {key: part for key, part in schema.items() if key != "anyOf"}
        return _plain({**choices[0], **rest}, named, unsaid)
    kept = {key: part for key, part in schema.items() if key not in unsaid and (key, part) not in _EMPTY}
    if "properties" in kept:
        properties = kept["properties"].items()
        kept["properties"] = {name: _plain(part, named, unsaid) for name, part in properties}
    return {key: part if key == "properties" else _plain(part, named, unsaid) for key, part in kept.items()}


_EMPTY: tuple[tuple[str, Any], ...] = (("default", None), ("required", []))


def _told(text: str, names: tuple[str, ...]) -> str:
    """What msgspec says of a wrong argument, in the words of this project."""
    unknown = text.partition("unknown field `")[2].partition("`")[0]
    if unknown:
        return f"There is no argument {unknown!r}.{did_you_mean(unknown, names)} It takes {', '.join(names) or 'none'}."
    place = text.rpartition(" - at `$")[2].rstrip("`").lstrip(".") if " - at `$" in text else ""
    reason = text.partition(" - at ")[0]
    return f"{place}: {reason}." if place else f"{reason}."
