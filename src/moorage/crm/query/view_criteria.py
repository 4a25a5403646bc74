"""Criteria as JSON, as custom views and filters have them, held against a module.

    {"comparator": "equal", "field": {"api_name": "City"}, "type": "value", "value": "Paris"}
    {"group_operator": "AND", "group": [...]}

Unlike in a search, `equal` means the whole text: `compare.py` says what else comparators and values mean.
"""

from typing import Any

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.compare import (
    EMPTY,
    Context,
    NotComparable,
    ValueUnfit,
    comparable,
    compare,
    require_comparator,
)
from moorage.crm.query.search_criteria import DEPTH_LIMIT, invalid_query, storable
from moorage.crm.query.texts import require_few_words
from moorage.crm.query.tree import AllOf, AnyOf, Checked
from moorage.crm.query.wording import query_fault

VALUE_LIMIT = 500
TEXT_LIMIT = 3000
CONDITION_LIMIT = 25


def view_conditions(body: dict[str, Any] | None, module: Module, context: Context) -> Checked | None:
    """The conditions of a view's criteria; None for a view of all records. Raises Fault INVALID_QUERY."""
    if not body:
        return None
    if count_conditions(body) > CONDITION_LIMIT:
        raise invalid_query(f"there can be at most {CONDITION_LIMIT} conditions")
    try:
        checked = _checked(body, module, context)
    except NotComparable as error:
        raise query_fault(error) from None
    require_few_words(checked, context.catalog)
    return checked


def count_conditions(body: Any, depth: int = 0) -> int:
    """The number of conditions. Raises the Fault for groups that are not well formed."""
    if not isinstance(body, dict):
        raise invalid_query("criteria must be an object with comparator, field and value, or with a group")
    if "group" not in body:
        return 1
    group, keyword = body["group"], body.get("group_operator")
    if keyword not in ("AND", "OR", "and", "or"):
        raise invalid_query("group_operator must be AND or OR")
    if not isinstance(group, list) or not group:
        raise invalid_query("group must be an array of criteria")
    if depth == DEPTH_LIMIT:
        raise invalid_query(f"groups can be nested at most {DEPTH_LIMIT} deep")
    return sum(count_conditions(part, depth + 1) for part in group)


def _checked(body: dict[str, Any], module: Module, context: Context) -> Checked:
    if "group" not in body:
        return _condition(body, module, context)
    parts = tuple(_checked(part, module, context) for part in body["group"])
    return AllOf(parts) if body["group_operator"].upper() == "AND" else AnyOf(parts)


def _condition(body: dict[str, Any], module: Module, context: Context) -> Checked:
    if body.get("type", "value") != "value":
        raise invalid_query('only conditions of the type "value" are supported')
    field = _field(body.get("field"), module)
    comparator = body.get("comparator")
    if not isinstance(comparator, str) or not storable(comparator):
        raise invalid_query("comparator must be a string", api_name=field.api_name)
    require_comparator(field, comparator)
    return compare(field, comparator, values_of(field, body.get("value")), context)


def _field(reference: Any, module: Module) -> Field:
    name = reference.get("api_name") if isinstance(reference, dict) else reference
    if not isinstance(name, str) or not storable(name):
        raise invalid_query("field must be an object with an api_name")
    return comparable(module, name)


def values_of(field: Field, value: Any) -> list[str]:
    """The value, or each value of an array, as text."""
    values = value if isinstance(value, list) else [value]
    if not 0 < len(values) <= VALUE_LIMIT:
        raise invalid_query(f"there must be 1 to {VALUE_LIMIT} values", api_name=field.api_name)
    return [_text(field, value) for value in values]


def _text(field: Field, value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("id") or value.get("name")
    elif value is None:
        value = EMPTY
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int | float) and abs(value) < 10**19:
        return str(value)
    if not isinstance(value, str) or not 0 < len(value.strip()) <= TEXT_LIMIT or not storable(value):
        raise ValueUnfit(field, None)
    return value.strip()
