"""Criteria as JSON, as custom views and filters have them, held against a module.

    {"comparator": "equal", "field": {"api_name": "City"}, "type": "value", "value": "Paris"}
    {"group_operator": "AND", "group": [...]}

Unlike in a search, `equal` means the whole text. Values can be placeholders: ${EMPTY}, ${NOTEMPTY}, ${CURRENTUSER},
those of `periods.py`, and ${AGEINDAYS}+n and ${DUEINDAYS}+n, the days since and until a date.
"""

import re
from datetime import timedelta
from typing import Any

from moorage.crm.metadata.catalog import NO_VALUE, Field, Module
from moorage.crm.query import operands
from moorage.crm.query.conditions import (
    EMPTY,
    NOT_EMPTY,
    AllOf,
    AnyOf,
    Checked,
    Context,
    Empty,
    Equal,
    Fragment,
    Member,
    Not,
    comparable,
    invalid_operator,
    invalid_value,
    ordered,
    refers,
    unavailable,
    within,
)
from moorage.crm.query.operands import Span
from moorage.crm.query.periods import period
from moorage.crm.query.search_criteria import DEPTH_LIMIT, invalid_query, storable

VALUE_LIMIT = 500
TEXT_LIMIT = 3000
CONDITION_LIMIT = 25
CURRENT_USER = "${CURRENTUSER}"

_NEGATED = {"not_equal": "equal", "not_contains": "contains", "not_in": "in", "not_between": "between"}
_OPPOSITE = {
    "greater_than": "less_than",
    "greater_equal": "less_equal",
    "less_than": "greater_than",
    "less_equal": "greater_equal",
}
_ORDERED = frozenset({"equal", "in", "between", *_OPPOSITE})
_COMPARATORS = {
    "id": _ORDERED,
    "text": frozenset({"equal", "in", "contains", "starts_with", "ends_with"}),
    "integer": _ORDERED,
    "bigint": _ORDERED,
    "real": _ORDERED,
    "date": _ORDERED,
    "datetime": _ORDERED,
    "boolean": frozenset({"equal"}),
    "list": frozenset({"equal", "in", "contains", "starts_with"}),
    "tags": frozenset({"equal", "in", "contains", "starts_with"}),
    "user": frozenset({"equal", "in"}),
    "lookup": frozenset({"equal", "in"}),
}
_RELATIVE = re.compile(r"\$\{(AGE|DUE)INDAYS\}\s*\+?\s*(-?[0-9]{1,7})", re.ASCII)


def view_conditions(body: dict[str, Any] | None, module: Module, context: Context) -> Checked | None:
    """What a view's criteria mean for a module; None for a view of everything. Raises Fault INVALID_QUERY."""
    if not body:
        return None
    if _count(body, 0) > CONDITION_LIMIT:
        raise invalid_query(f"there can be at most {CONDITION_LIMIT} conditions")
    return _checked(body, module, context)


def _count(body: Any, depth: int) -> int:
    """The number of conditions, on the way making sure of the shape of the groups around them."""
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
    return sum(_count(part, depth + 1) for part in group)


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
    positive = _NEGATED.get(comparator, comparator)
    if positive not in _COMPARATORS[field.storage]:
        raise invalid_operator(field.api_name, comparator)
    found = _comparison(field, positive, _values(field, body.get("value")), context)
    return found if comparator == positive else Not(found)


def _field(reference: Any, module: Module) -> Field:
    name = reference.get("api_name") if isinstance(reference, dict) else reference
    if not isinstance(name, str) or not storable(name):
        raise invalid_query("field must be an object with an api_name")
    field = comparable(module, name)
    if field is None:
        raise unavailable(name)
    return field


def _values(field: Field, value: Any) -> list[str]:
    """One value or several, each as text."""
    values = value if isinstance(value, list) else [value]
    if not 0 < len(values) <= VALUE_LIMIT:
        raise invalid_query(f"there must be 1 to {VALUE_LIMIT} values", api_name=field.api_name)
    return [_text(field, one) for one in values]


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
        raise invalid_value(field, None)
    return value.strip()


def _comparison(field: Field, comparator: str, values: list[str], context: Context) -> Checked:
    if comparator == "between":
        return _between(field, values, context)
    parts = tuple(_single(field, comparator, value, context) for value in values)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _between(field: Field, values: list[str], context: Context) -> Checked:
    if len(values) != 2:
        raise invalid_value(field, values)
    low, high = (_span(field, value, context) for value in values)
    return within(field, low, high)


def _single(field: Field, comparator: str, value: str, context: Context) -> Checked:
    if value in {EMPTY, NOT_EMPTY}:
        if comparator not in {"equal", "in"}:
            raise invalid_value(field, value)
        return Empty(field) if value == EMPTY else Not(Empty(field))
    if field.storage == "text":
        return _of_text(field, comparator, value)
    if field.storage in {"list", "tags"}:
        return Member(field, value, start=comparator == "starts_with")
    if field.storage in {"user", "lookup", "boolean"}:
        return _exactly(field, value, context)
    return _of_order(field, comparator, value, context)


def _of_text(field: Field, comparator: str, value: str) -> Checked:
    match comparator:
        case "contains":
            return Fragment(field, value, "anywhere")
        case "starts_with":
            return Fragment(field, value, "start")
        case "ends_with":
            return Fragment(field, value, "end")
    return Empty(field) if value == NO_VALUE else Equal(field, value)


def _exactly(field: Field, value: str, context: Context) -> Checked:
    if field.storage == "boolean":
        truth = operands.boolean(value)
        found: Checked | None = None if truth is None else Equal(field, truth)
    elif field.storage == "user" and value == CURRENT_USER:
        found = Equal(field, context.user)
    else:
        found = refers(field, value)
    if found is None:
        raise invalid_value(field, value)
    return found


def _of_order(field: Field, comparator: str, value: str, context: Context) -> Checked:
    relative = _RELATIVE.fullmatch(value)
    if relative is None or field.storage not in {"date", "datetime"}:
        return ordered(field, comparator, _span(field, value, context))
    # The older a date is, the further it lies back: greater ages are lesser dates.
    aged = relative[1] == "AGE"
    days = _days_away(field, -int(relative[2]) if aged else int(relative[2]), context)
    return ordered(field, _OPPOSITE.get(comparator, comparator) if aged else comparator, days)


def _days_away(field: Field, count: int, context: Context) -> Span:
    try:
        day = context.now.astimezone(context.zone).date() + timedelta(count)
    except OverflowError as error:
        raise invalid_value(field, count) from error
    return operands.days(field.storage, day, day, context.zone)


def _span(field: Field, value: str, context: Context) -> Span:
    if field.storage in {"date", "datetime"}:
        days = period(value, context.now.astimezone(context.zone).date())
        if days is not None:
            return operands.days(field.storage, *days, context.zone)
    found = operands.span(field.storage, value, context.zone)
    if found is None:
        raise invalid_value(field, value)
    return found
