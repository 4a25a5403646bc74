"""Conditions of a view, in the two languages that Zoho has for them: `criteria` of a search, and COQL."""

from collections.abc import Mapping, Sequence

import msgspec

from moorage.console.crm.fields import NUMBERS, TIMES, USERS, Field

# What people choose, with what a search and a query call it. A search's `equals` finds words within a text, so there
# `is` for a text is a query's.
WORDS = {
    "is": "is",
    "not": "is not",
    "contains": "contains",
    "starts": "begins with",
    "more": "is more than",
    "least": "is at least",
    "less": "is less than",
    "most": "is at most",
    "between": "is between (A,B)",
    "one": "is one of (A,B,C)",
    "empty": "is empty",
    "filled": "is not empty",
}
_IN_SEARCH = {
    "is": "equals",
    "not": "not_equal",
    "starts": "starts_with",
    "more": "greater_than",
    "least": "greater_equal",
    "less": "less_than",
    "most": "less_equal",
    "between": "between",
    "one": "in",
}
_IN_QUERY = {"is": "=", "not": "!=", "more": ">", "least": ">=", "less": "<", "most": "<="}
_ORDERED = ("is", "not", "more", "least", "less", "most", "between", "empty", "filled")


class Condition(msgspec.Struct, frozen=True):
    field: str
    comparator: str
    value: str

    def document(self) -> dict[str, str]:
        return {"field": self.field, "is": self.comparator, "value": self.value}


def comparators_of(field: Field) -> tuple[str, ...]:
    """What a field of this type can be compared by."""
    if field.type in NUMBERS | TIMES or field.name == "id":
        return _ORDERED
    if field.type == "boolean":
        return ("is",)
    if field.type in {"picklist", "lookup", *USERS}:
        return ("is", "not", "one", "empty", "filled")
    if field.is_text:
        return ("is", "not", "contains", "starts", "one", "empty", "filled")
    return ("is", "not", "empty", "filled")


def in_search(conditions: Sequence[Condition], fields: Mapping[str, Field], *, any_of: bool) -> str | None:
    """The conditions as `criteria`; None if a search can't have one of them, or finds something else by it."""
    parts = []
    for condition in conditions:
        operator = _IN_SEARCH.get(condition.comparator)
        if operator is None or (fields[condition.field].is_text and condition.comparator != "starts"):
            return None
        is_list = condition.comparator in {"between", "one"}
        values = condition.value.split(",") if is_list else [condition.value]
        parts.append(f"({condition.field}:{operator}:{','.join(map(_escaped, values))})")
    return f"({('or' if any_of else 'and').join(parts)})" if len(parts) > 1 else "".join(parts)


def in_query(conditions: Sequence[Condition], *, any_of: bool) -> str:
    """The conditions as COQL has them behind `where`; more than two are joined in pairs."""
    text = ""
    for condition in conditions:
        part = _comparison(condition)
        text = part if not text else f"({text} {'or' if any_of else 'and'} {part})"
    return text


def quoted(text: str) -> str:
    """A text as a value of COQL."""
    doubled = text.replace("\\", "\\\\").replace("'", "''")
    return f"'{doubled}'"


def _comparison(condition: Condition) -> str:
    name, value = condition.field, condition.value
    match condition.comparator:
        case "empty":
            return f"{name} is null"
        case "filled":
            return f"{name} is not null"
        case "contains":
            return f"{name} like {quoted(f'%{value}%')}"
        case "starts":
            return f"{name} like {quoted(f'{value}%')}"
        case "one":
            return f"{name} in ({', '.join(quoted(part.strip()) for part in value.split(','))})"
        case "between":
            low, _, high = value.partition(",")
            return f"{name} between {quoted(low.strip())} and {quoted(high.strip())}"
    return f"{name} {_IN_QUERY[condition.comparator]} {quoted(value)}"


def _escaped(value: str) -> str:
    for sign in ("\\", "(", ")", ","):
        value = value.replace(sign, f"\\{sign}")
    return value.strip()
