"""The parameters of actions: described for agents as a JSON schema, and made into a call.

The JSON file of an app has them in short, as facts of its description [Z description]. A type is a word such as
`string`; known values, separated by `|`; a list with the type of its items; or an object. A name that ends with `!` has
to be given. `shown=sent` is an argument with another name than in the query.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import quote

import msgspec

from moorage.mcp.maton.actions import files
from moorage.mcp.maton.actions.words import meanings
from moorage.near import did_you_mean

Type: TypeAlias = str | list[Any] | dict[str, Any]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_UNSENDABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_WHOLE = "body"  # The argument of an action of whose body no more is known than that there is one.


class Parameters(msgspec.Struct, frozen=True):
    """What an action can be given beside what stands in its path. `file` is the field of the form that has a file."""

    query: dict[str, Type] = {}
    headers: list[str] = []
    body: Type | None = None
    file: str | None = None


NO_PARAMETERS = Parameters()


class ArgumentsWrong(ValueError):
    """The arguments do not fit the action. The text is a sentence."""


class Call(msgspec.Struct, frozen=True):
    """A call of an app, made from the arguments of an action. The path is percent-encoded."""

    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Any = None


class _Parameter(msgspec.Struct, frozen=True):
    """`sent` is its name in the call, and `place` where it stands there."""

    name: str
    place: str
    type: Type
    required: bool
    sent: str


def schema_of(path: str, parameters: Parameters) -> dict[str, Any]:
    """The parameters of an action as a JSON schema."""
    known = _known(path, parameters)
    properties = {name: _described(parameter) for name, parameter in known.items()}
    required = [name for name, parameter in known.items() if parameter.required]
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def call_of(path: str, parameters: Parameters, arguments: Mapping[str, Any]) -> Call:
    """The call that the arguments describe. Raises ArgumentsWrong."""
    known = _known(path, parameters)
    for name in arguments:
        if name not in known:
            raise ArgumentsWrong(f"The action has no argument {name[:64]!r}.{did_you_mean(name, known)}")
    given = {name: value for name, value in arguments.items() if value is not None}
    missing = [name for name, parameter in known.items() if parameter.required and name not in given]
    if missing:
        raise ArgumentsWrong(f"The action needs {', '.join(missing)}.")
    placed: dict[str, dict[str, Any]] = {"path": {}, "query": {}, "header": {}, "body": {}, "file": {}}
    for name, value in given.items():
        parameter = known[name]
        is_text = parameter.place in {"path", "query", "header"}
        placed[parameter.place][parameter.sent] = text_of(name, value) if is_text else value
        if parameter.place == "header" and not placed["header"][name].isascii():
            raise ArgumentsWrong(f"{name} has a character that can't be sent.")
    headers, body = placed["header"], _body(parameters, placed["body"])
    if parameters.file is not None:
        content_type, body = _form(parameters.file, placed["file"])
        headers = {**headers, "Content-Type": content_type}
    return Call(_filled(path, placed["path"]), placed["query"], headers, body)


def text_of(name: str, value: Any) -> str:
    """A value as it stands in an address or a header. Raises ArgumentsWrong for one that can't."""
    match value:
        case bool():
            text = str(value).lower()
        case str() | int() | float():
            text = str(value)
        case list() if all(isinstance(item, str | int) for item in value):
            text = ",".join(text_of(name, item) for item in value)
        case _:
            text = msgspec.json.encode(value).decode()
    if _UNSENDABLE.search(text):
        raise ArgumentsWrong(f"{name[:64]} has a character that can't be sent.")
    return text


def _known(path: str, parameters: Parameters) -> dict[str, _Parameter]:
    return {parameter.name: parameter for parameter in _each(path, parameters)}


def _each(path: str, parameters: Parameters) -> Iterator[_Parameter]:
    for name in _PLACEHOLDER.findall(path):
        yield _Parameter(name, "path", "string", required=True, sent=name)
    for key, kind in parameters.query.items():
        name, _, sent = key.rstrip("!").partition("=")
        yield _Parameter(name, "query", kind, key.endswith("!"), sent or name)
    for name in parameters.headers:
        yield _Parameter(name, "header", "string", required=False, sent=name)
    body = parameters.body
    for key, kind in (body if isinstance(body, dict) else {} if body is None else {_WHOLE: body}).items():
        name = key.rstrip("!")
        yield _Parameter(name, "body", kind, key.endswith("!"), name)
    if parameters.file is not None:
        for name in files.ARGUMENTS:
            yield _Parameter(name, "file", "string", name == files.NAME, name)


def _described(parameter: _Parameter) -> dict[str, Any]:
    schema = _schema(parameter.type)
    meaning = meanings().get(parameter.name)
    return schema if meaning is None else {**schema, "description": meaning}


def _schema(kind: Type) -> dict[str, Any]:
    """Known values are examples, as the description does not name all of them."""
    if isinstance(kind, list):
        return {"type": "array", "items": _schema(kind[0])}
    if isinstance(kind, dict):
        return {"type": "object", "properties": {name: _schema(inner) for name, inner in kind.items()}}
    if "|" in kind:
        return {"type": "string", "examples": [value for value in kind.split("|") if value]}
    return {} if kind == "any" else {"type": kind}


def _filled(path: str, values: Mapping[str, str]) -> str:
    def value_of(match: re.Match[str]) -> str:
        value = values[match[1]]
        if value in {"", ".", ".."}:
            raise ArgumentsWrong(f"{match[1]} can't be {value!r}.")
        return quote(value, safe="")

    return _PLACEHOLDER.sub(value_of, path)


def _body(parameters: Parameters, given: Mapping[str, Any]) -> Any:
    if isinstance(parameters.body, dict):
        return dict(given) or None
    return given.get(_WHOLE)


def _form(field: str, given: Mapping[str, Any]) -> tuple[str, bytes]:
    try:
        return files.form_with(field, given)
    except ValueError as error:
        raise ArgumentsWrong(str(error)) from None
