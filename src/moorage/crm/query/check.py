"""Search criteria checked against a module: its fields, their types, and the values of their columns."""

from collections.abc import Callable

from moorage.crm.metadata.catalog import NO_VALUE, Field, Module
from moorage.crm.query.compare import (
    EMPTY,
    NOT_EMPTY,
    Context,
    FieldUnfit,
    NotComparable,
    OperatorUnfit,
    ValueUnfit,
    comparable,
    ordered,
    refers,
    span,
    truth,
    within,
)
from moorage.crm.query.search_criteria import Condition, Criteria
from moorage.crm.query.texts import email_is, phone_is, phrase, require_few_words
from moorage.crm.query.tree import AllOf, AnyOf, Checked, Empty, Equal, Member, Not
from moorage.crm.query.wording import query_fault

_WORDS = frozenset({"equals", "not_equal", "starts_with", "in"})
_ORDERED = frozenset(
    {"equals", "not_equal", "greater_equal", "greater_than", "less_equal", "less_than", "between", "in"}
)
_CHOICE = frozenset({"equals", "not_equal", "in"})
_OPERATORS_BY_TYPE = {
    "textarea": frozenset({"equals", "not_equal", "starts_with"}),
    "picklist": _CHOICE,
    "autonumber": _CHOICE,
}
_OPERATORS_BY_STORAGE = {
    "id": _ORDERED,
    "text": _WORDS,
    "integer": _ORDERED,
    "bigint": _ORDERED,
    "real": _ORDERED,
    "date": _ORDERED,
    "datetime": _ORDERED,
    "boolean": frozenset({"equals", "not_equal"}),
    "list": _WORDS,
    "tags": _WORDS,
    "user": _CHOICE,
    "lookup": _CHOICE,
}


def check(criteria: Criteria, module: Module, context: Context) -> Checked:
    """The conditions that the criteria mean. Raises Fault INVALID_QUERY, which names the field, or a limit."""
    try:
        checked = _checked(criteria, module, context)
    except NotComparable as error:
        raise query_fault(error) from None
    require_few_words(checked, context.catalog)
    return checked


def _checked(criteria: Criteria, module: Module, context: Context) -> Checked:
    if isinstance(criteria, Condition):
        return _condition(criteria, module, context)
    parts = tuple(_checked(part, module, context) for part in criteria.parts)
    return AllOf(parts) if criteria.keyword == "and" else AnyOf(parts)


def _condition(condition: Condition, module: Module, context: Context) -> Checked:
    field = comparable(module, condition.field)
    if not (field.searchable or field.storage == "id"):
        raise FieldUnfit(condition.field)
    operators = _OPERATORS_BY_TYPE.get(field.data_type) or _OPERATORS_BY_STORAGE[field.storage]
    if condition.operator not in operators:
        raise OperatorUnfit(condition.field, condition.operator)
    values = [value.strip() for value in condition.values]
    if not all(values):
        raise ValueUnfit(field, "")
    return _comparison(field, condition.operator, values, context)


def _comparison(field: Field, operator: str, values: list[str], context: Context) -> Checked:
    match operator:
        case "equals":
            return _equal(field, values[0], context)
        case "not_equal":
            return Not(_equal(field, values[0], context))
        case "in":
            return AnyOf(tuple(_equal(field, value, context) for value in dict.fromkeys(values)))
        case "starts_with":
            return _starting(field, values[0])
        case "between":
            if len(values) != 2:
                raise ValueUnfit(field, ",".join(values))
            low, high = (span(field, value, context) for value in values)
            return within(field, low, high)
    return ordered(field, operator, span(field, values[0], context))


def _equal(field: Field, text: str, context: Context) -> Checked:
    if text == EMPTY:
        return Empty(field)
    if text == NOT_EMPTY:
        return Not(Empty(field))
    match field.storage:
        case "text":
            return _EQUAL_BY_TYPE.get(field.data_type, phrase)(field, text)
        case "list" | "tags":
            return Member(field, text)
        case "lookup" | "user":
            return refers(field, text)
        case "boolean":
            return truth(field, text)
    return ordered(field, "equals", span(field, text, context))


def _starting(field: Field, text: str) -> Checked:
    if field.storage in {"list", "tags"}:
        return Member(field, text, start=True)
    return _number(field, text, start=True) if field.data_type == "phone" else phrase(field, text, start=True)


def _choice(field: Field, text: str) -> Checked:
    return Empty(field) if text == NO_VALUE else Equal(field, text)


def _number(field: Field, text: str, *, start: bool = False) -> Checked:
    checked = phone_is(field, text, start=start)
    if checked is None:
        raise ValueUnfit(field, text)
    return checked


_EQUAL_BY_TYPE: dict[str, Callable[[Field, str], Checked]] = {
    "picklist": _choice,
    "email": email_is,
    "phone": _number,
}
