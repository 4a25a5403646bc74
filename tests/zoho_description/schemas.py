"""Schemas of OpenAPI 3.0 as JSON Schema, and validators of them."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import jsonschema_rs

from tests.zoho_description.description import Documents

# What every error of Zoho's has. The description lists only some errors of an operation, and `details` of a few.
ERROR = {
    "type": "object",
    "required": ["code", "details", "message", "status"],
    "properties": {
        "code": {"type": "string"},
        "details": {"type": "object"},
        "message": {"type": "string"},
        "status": {"enum": ["error"]},
    },
}
_IS_ERROR = {
    "type": "object",
    "required": ["code", "status"],
    "properties": {"status": {"const": "error"}},
}
_WITHOUT_MEANING_HERE = {
    "description",
    "example",
    "format",
    "pattern",
    "readOnly",
    "writeOnly",
    "discriminator",
    "xml",
}


class Schemas:
    """Makes validators of the schemas of all documents, which name each other's by their addresses."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents

    @cached_property
    def _definitions(self) -> dict[str, Any]:
        return {
            f"{family}/{name}": converted(schema, family)
            for family, document in self._documents.items()
            for name, schema in document.get("components", {}).get("schemas", {}).items()
        }

    def validator(self, schemas: Iterable[tuple[str, Any]]) -> jsonschema_rs.Validator:
        """One that takes what fits one of the schemas, which come with the family of their document."""
        choices = [converted(schema, family) for family, schema in schemas]
        return jsonschema_rs.Draft202012Validator(
            {"anyOf": choices, "$defs": self._needed(choices)}, ignore_unknown_formats=True
        )

    def _needed(self, roots: Any) -> dict[str, Any]:
        """The definitions that the roots name, and those that these name."""
        needed: dict[str, Any] = {}
        waiting = list(_names(roots))
        while waiting:
            if (name := waiting.pop()) not in needed:
                needed[name] = self._definitions[name]
                waiting.extend(_names(needed[name]))
        return {name.replace("/", "."): schema for name, schema in needed.items()}


def _names(schema: Any) -> Any:
    if isinstance(schema, dict):
        if "x-name" in schema:
            yield schema["x-name"]
        for value in schema.values():
            yield from _names(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _names(value)


def converted(schema: Any, family: str) -> Any:
    """A schema of a family's document as JSON Schema.

    `oneOf` becomes `anyOf`: the choices of the description have few mandatory keys, so an answer fits several. A row of
    a list may be any error, as each operation lists only some.
    """
    if isinstance(schema, list):
        return [converted(choice, family) for choice in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        place, _, name = schema["$ref"].rpartition("#")
        named = f"{place.rpartition('/')[2].removesuffix('.json') or family}/{name.rpartition('/')[2]}"
        return {"$ref": f"#/$defs/{named.replace('/', '.')}", "x-name": named}
    result = {}
    for keyword, value in schema.items():
        if keyword == "properties":
            result[keyword] = {name: _property(name, of_name, family) for name, of_name in value.items()}
        elif keyword in {"oneOf", "anyOf"}:
            result["anyOf"] = converted(value, family)
        elif keyword == "items":
            rows = True if _is_any(value) else converted(value, family)
            result["items"] = {"if": _IS_ERROR, "then": ERROR, "else": rows}
        elif keyword not in _WITHOUT_MEANING_HERE | {"nullable"}:
            result[keyword] = (
                converted(value, family) if isinstance(value, Mapping) or keyword == "allOf" else value
            )
    return {"anyOf": [result, {"type": "null"}]} if schema.get("nullable") else result


def _is_any(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "object" and not schema.keys() & {
        "properties",
        "oneOf",
        "additionalProperties",
    }


def _property(name: str, schema: Any, family: str) -> Any:
    """Few properties are marked that may be null, and Zoho's examples have null in many others. An id is never null.

    The codes and messages that are listed are those that SDKs know. An object of which no property is known stands for
    a value of any type, but for `details`.
    """
    if name in {"code", "message"}:
        schema = {keyword: value for keyword, value in schema.items() if keyword != "enum"}
    if _is_any(schema) and name != "details":
        return {}
    result = converted(schema, family)
    return result if name == "id" else {"anyOf": [result, {"type": "null"}]}
