"""A field compared with values that are written as text. Whole values are compared, as in custom views and COQL.

A comparison that is not possible raises NotComparable; each kind of search has its own text for that.
"""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from moorage.crm.metadata.catalog import NO_VALUE, Catalog, Field, Module
from moorage.crm.query import operands
from moorage.crm.query.operands import Span
from moorage.crm.query.periods import period
from moorage.crm.query.tree import (
    AllOf,
    AnyOf,
    Checked,
    Compare,
    Empty,
    Equal,
    Fragment,
    Member,
    Named,
    Not,
)

EMPTY, NOT_EMPTY = "${EMPTY}", "${NOTEMPTY}"
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


class Context:
    """What values can refer to: the organisation's zone and catalog, the current time, the user who asks.

    `was_asked` says whether the time or the user was asked for: then a comparison is right for this call alone.
    """

    __slots__ = ("_now", "_user", "catalog", "was_asked", "zone")

    def __init__(self, zone: ZoneInfo, now: datetime, user: int, catalog: Catalog) -> None:
        self.zone = zone
        self.catalog = catalog
        self.was_asked = False
        self._now = now
        self._user = user

    @property
    def now(self) -> datetime:
        self.was_asked = True
        return self._now

    @property
    def user(self) -> int:
        self.was_asked = True
        return self._user


class NotComparable(Exception):
    """`name` is the field's name as the caller wrote it."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class FieldUnfit(NotComparable):
    """There is no such field, or its type can't be compared."""


class OperatorUnfit(NotComparable):
    """The field's type has no such comparison."""

    def __init__(self, name: str, operator: str) -> None:
        super().__init__(name)
        self.operator = operator


class ValueUnfit(NotComparable):
    """The value is not of the field's type."""

    def __init__(self, field: Field, value: Any) -> None:
        super().__init__(field.api_name)
        self.field = field
        self.value = value


def comparable(module: Module, name: str) -> Field:
    """The field of that name; `Account_Name.id` is the lookup. Raises FieldUnfit if conditions can't use it."""
    field = module.fields.get(name)
    if field is None and name.endswith(".id"):
        field = module.fields.get(name.removesuffix(".id"))
        if field is not None and field.storage not in {"lookup", "user"}:
            field = None
    if field is None or field.storage not in _COMPARATORS:
        raise FieldUnfit(name)
    return field


def comparators_of(field: Field) -> list[str]:
    """The comparators of the field's type."""
    positive = _COMPARATORS[field.storage]
    return sorted(positive | {name for name, opposite in _NEGATED.items() if opposite in positive})


def require_comparator(field: Field, comparator: str) -> None:
    """Raise OperatorUnfit if the field's type does not have the comparator."""
    if _NEGATED.get(comparator, comparator) not in _COMPARATORS[field.storage]:
        raise OperatorUnfit(field.api_name, comparator)


def compare(field: Field, comparator: str, values: list[str], context: Context) -> Checked:
    """The condition that a field has one of the values, or lies between two values.

    A value can be a placeholder: ${EMPTY}, ${NOTEMPTY}, ${CURRENTUSER}, one of `periods.py`, or ${AGEINDAYS}+n and
    ${DUEINDAYS}+n, the days since and until a date. Raises NotComparable.
    """
    require_comparator(field, comparator)
    positive = _NEGATED.get(comparator, comparator)
    condition = (
        _between(field, values, context) if positive == "between" else _any(field, positive, values, context)
    )
    return condition if comparator == positive else Not(condition)


def ordered(field: Field, operator: str, value: Span) -> Checked:
    """A comparison by order with a span: greater than all its values, at least its first, and so on."""
    match operator:
        case "greater_than":
            return Compare(field, ">", value.last)
        case "greater_equal":
            return Compare(field, ">=", value.first)
        case "less_than":
            return Compare(field, "<", value.first)
        case "less_equal":
            return Compare(field, "<=", value.last)
    if value.first == value.last:
        return Equal(field, value.first)
    return within(field, value, value)


def within(field: Field, low: Span, high: Span) -> Checked:
    return AllOf((Compare(field, ">=", low.first), Compare(field, "<=", high.last)))


def refers(field: Field, text: str) -> Checked:
    """A record or user, by id or by name. Raises ValueUnfit for digits that can't be an id."""
    if not (text.isascii() and text.isdigit()):
        return Named(field, text)
    value = operands.integer(text)
    if value is None:
        raise ValueUnfit(field, text)
    return Equal(field, value)


def truth(field: Field, text: str) -> Checked:
    """A boolean. Raises ValueUnfit."""
    value = operands.boolean(text)
    if value is None:
        raise ValueUnfit(field, text)
    return Equal(field, value)


def span(field: Field, text: str, context: Context) -> Span:
    """A value of a type that has an order. Raises ValueUnfit."""
    value = operands.span(field.storage, text, context.zone)
    if value is None:
        raise ValueUnfit(field, text)
    return value


def _any(field: Field, comparator: str, values: list[str], context: Context) -> Checked:
    parts = tuple(_single(field, comparator, value, context) for value in values)
    return parts[0] if len(parts) == 1 else AnyOf(parts)


def _between(field: Field, values: list[str], context: Context) -> Checked:
    if len(values) != 2:
        raise ValueUnfit(field, values)
    low, high = (_span(field, value, context) for value in values)
    return within(field, low, high)


def _single(field: Field, comparator: str, value: str, context: Context) -> Checked:
    if value in {EMPTY, NOT_EMPTY}:
        if comparator not in {"equal", "in"}:
            raise ValueUnfit(field, value)
        return Empty(field) if value == EMPTY else Not(Empty(field))
    match field.storage:
        case "text":
            return _of_text(field, comparator, value)
        case "list" | "tags":
            return Member(field, value, start=comparator == "starts_with")
        case "boolean":
            return truth(field, value)
        case "user" if value == CURRENT_USER:
            return Equal(field, context.user)
        case "user" | "lookup":
            return refers(field, value)
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


def _of_order(field: Field, comparator: str, value: str, context: Context) -> Checked:
    relative = _RELATIVE.fullmatch(value)
    if relative is None or field.storage not in {"date", "datetime"}:
        return ordered(field, comparator, _span(field, value, context))
    # A greater age means an earlier date.
    is_age = relative[1] == "AGE"
    days = _days_away(field, -int(relative[2]) if is_age else int(relative[2]), context)
    return ordered(field, _OPPOSITE.get(comparator, comparator) if is_age else comparator, days)


def _days_away(field: Field, count: int, context: Context) -> Span:
    try:
        day = context.now.astimezone(context.zone).date() + timedelta(count)
    except OverflowError as error:
        raise ValueUnfit(field, count) from error
    return operands.days(field.storage, day, day, context.zone)


def _span(field: Field, value: str, context: Context) -> Span:
    if field.storage in {"date", "datetime"}:
        today = context.now.astimezone(context.zone).date()
        days = period(value, today, context.catalog.fiscal_month)
        if days is not None:
            return operands.days(field.storage, *days, context.zone)
    return span(field, value, context)
