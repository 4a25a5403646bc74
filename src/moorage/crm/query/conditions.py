"""Criteria held against a module: its fields, their types, and values as the columns hold them.

A record without a value meets `not_equal`, whatever the value it is compared with, and no other comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TypeAlias
from zoneinfo import ZoneInfo

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import NO_VALUE, Catalog, Field, Module
from moorage.crm.query import operands
from moorage.crm.query.operands import Scalar, Span
from moorage.crm.query.search_criteria import Condition, Criteria, invalid_query

Order: TypeAlias = Literal["<", "<=", ">", ">="]

EMPTY, NOT_EMPTY = "${EMPTY}", "${NOTEMPTY}"


@dataclass(frozen=True, slots=True)
class Context:
    """What values can refer to: the organisation's zone and catalog, the time, the user who asks."""

    zone: ZoneInfo
    now: datetime
    user: int
    catalog: Catalog


@dataclass(frozen=True, slots=True)
class Empty:
    field: Field


@dataclass(frozen=True, slots=True)
class Equal:
    """The whole value; text regardless of case."""

    field: Field
    value: Scalar


@dataclass(frozen=True, slots=True)
class Compare:
    field: Field
    order: Order
    value: Scalar


@dataclass(frozen=True, slots=True)
class Phrase:
    """The text's words, one after the other, regardless of case and accents; `start` means first of all."""

    field: Field
    text: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of the text, letter by letter, at its start, its end or anywhere."""

    field: Field
    text: str
    place: Literal["start", "end", "anywhere"]


@dataclass(frozen=True, slots=True)
class Member:
    """One item of a list, whole or by its start."""

    field: Field
    text: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class Digits:
    """A phone number without the signs that only format it, whole or by its start."""

    field: Field
    digits: str
    start: bool = False


@dataclass(frozen=True, slots=True)
class Named:
    """The record or user that a field points to, by name."""

    field: Field
    name: str


@dataclass(frozen=True, slots=True)
class Not:
    part: "Checked"


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: "tuple[Checked, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: "tuple[Checked, ...]"


Comparison: TypeAlias = Empty | Equal | Compare | Phrase | Fragment | Member | Digits | Named
Checked: TypeAlias = Comparison | Not | AllOf | AnyOf

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
    """The conditions that criteria mean for a module. Raises Fault INVALID_QUERY naming the field."""
    if isinstance(criteria, Condition):
        return _condition(criteria, module, context)
    parts = tuple(check(part, module, context) for part in criteria.parts)
    return AllOf(parts) if criteria.keyword == "and" else AnyOf(parts)


def comparable(module: Module, name: str) -> Field | None:
    """The field of that name, unless it holds what no condition can speak of. `Account_Name.id` is the lookup."""
    field = module.fields.get(name)
    if field is None and name.endswith(".id"):
        field = module.fields.get(name.removesuffix(".id"))
        if field is not None and field.storage not in {"lookup", "user"}:
            return None
    return field if field is not None and field.storage in _OPERATORS_BY_STORAGE else None


def ordered(field: Field, operator: str, value: Span) -> Checked:
    """A comparison by order with a span: greater than all of it, at least its first, and so on."""
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


def email_is(field: Field, text: str) -> Checked:
    """A whole address means exactly that one; a part of one, such as its domain, is looked for as words."""
    local, at, domain = text.partition("@")
    whole = at and local and "." in domain.strip(".") and " " not in text
    return Equal(field, text) if whole else Phrase(field, text)


def phone_is(field: Field, text: str, *, start: bool = False) -> Checked | None:
    """None when nothing but formatting is left of the number."""
    digits = text.translate(_PHONE_FORMATTING)
    return Digits(field, digits, start) if digits else None


PHONE_FORMATTING = " -().+"
_PHONE_FORMATTING = str.maketrans("", "", PHONE_FORMATTING)


def refers(field: Field, text: str) -> Checked | None:
    """A record or user given by id or else by name; None when the digits can't be an id."""
    if not (text.isascii() and text.isdigit()):
        return Named(field, text)
    found = operands.integer(text)
    return None if found is None else Equal(field, found)


def unavailable(name: str) -> Fault:
    """For a field that there isn't, or that nobody can search by: in the words of a live answer, which clients match.

    Source: [Z observed]. [Z examples] has the reason in the place of the message, too; the service has not.
    """
    return invalid_query("the field is not available for search", api_name=name)


def invalid_operator(name: str, operator: str) -> Fault:
    reason = "The operator is not valid for the field type"
    details = {"operator": operator, "reason": reason, "api_name": name}
    return Fault(400, "INVALID_QUERY", "invalid operator found", details)


def invalid_value(field: Field, value: Any) -> Fault:
    """The texts and keys of each type are those of [Z examples]."""
    expected, wrong = operands.EXPECTED.get(field.storage), "invalid value for search"
    if expected is None:
        details = {
            "reason": "Please check the value of the field",
            "api_name": field.api_name,
            "value": value,
        }
        return Fault(400, "INVALID_QUERY", wrong, details)
    details = {"expected_data_type": expected, "reason": wrong, "api_name": field.api_name}
    if field.storage in {"date", "datetime"}:
        return Fault(400, "INVALID_QUERY", "Invalid query formed", details | {"value": value})
    return Fault(400, "INVALID_QUERY", wrong, details)


def _condition(condition: Condition, module: Module, context: Context) -> Checked:
    field = comparable(module, condition.field)
    if field is None or not (field.searchable or field.storage == "id"):
        raise unavailable(condition.field)
    operators = _OPERATORS_BY_TYPE.get(field.data_type) or _OPERATORS_BY_STORAGE[field.storage]
    if condition.operator not in operators:
        raise invalid_operator(condition.field, condition.operator)
    values = [value.strip() for value in condition.values]
    if not all(values):
        raise invalid_value(field, "")
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
                raise invalid_value(field, ",".join(values))
            low, high = (_span(field, value, context) for value in values)
            return within(field, low, high)
    return ordered(field, operator, _span(field, values[0], context))


def _equal(field: Field, text: str, context: Context) -> Checked:
    if text == EMPTY:
        return Empty(field)
    if text == NOT_EMPTY:
        return Not(Empty(field))
    if field.storage == "text":
        found: Checked | None = _EQUAL_BY_TYPE.get(field.data_type, Phrase)(field, text)
    elif field.storage in {"list", "tags"}:
        found = Member(field, text)
    elif field.storage in {"lookup", "user"}:
        found = refers(field, text)
    elif field.storage == "boolean":
        value = operands.boolean(text)
        found = None if value is None else Equal(field, value)
    else:
        found = ordered(field, "equals", _span(field, text, context))
    if found is None:
        raise invalid_value(field, text)
    return found


def _starting(field: Field, text: str) -> Checked:
    if field.storage in {"list", "tags"}:
        return Member(field, text, start=True)
    found = (
        phone_is(field, text, start=True) if field.data_type == "phone" else Phrase(field, text, start=True)
    )
    if found is None:
        raise invalid_value(field, text)
    return found


def _span(field: Field, text: str, context: Context) -> Span:
    found = operands.span(field.storage, text, context.zone)
    if found is None:
        raise invalid_value(field, text)
    return found


def _choice(field: Field, text: str) -> Checked:
    return Empty(field) if text == NO_VALUE else Equal(field, text)


_EQUAL_BY_TYPE: dict[str, Callable[[Field, str], Checked | None]] = {
    "picklist": _choice,
    "email": email_is,
    "phone": phone_is,
}
