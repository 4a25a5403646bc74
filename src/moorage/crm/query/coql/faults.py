"""The errors of queries. Codes, messages and keys are from [Z coql]; the places of tokens count from 1."""

from typing import Any

from moorage.crm.faults import Fault

_LONGEST = 50  # Characters of a query that an error repeats.


def syntax(message: str, **details: Any) -> Fault:
    return Fault(400, "SYNTAX_ERROR", message, details)


def missing_clause(clause: str) -> Fault:
    return syntax("missing clause", clause=clause)


def unexpected_token(text: str, place: int, near: str) -> Fault:
    """`place` is the index of the first character that can't be there."""
    line = text.count("\n", 0, place) + 1
    column = place - text.rfind("\n", 0, place)
    return syntax("unexpected token", line=line, column=column, near=near[:_LONGEST])


def unparsable(near: str) -> Fault:
    return syntax("error occured while parsing the query", near=near[:_LONGEST])


def too_complex(reason: str) -> Fault:
    # Zoho has no text for this that is known.
    return syntax("the query is too complex", reason=reason)


def invalid_query(message: str, **details: Any) -> Fault:
    return Fault(400, "INVALID_QUERY", message, details)


def invalid_column(name: str) -> Fault:
    return invalid_query("column given seems to be invalid", column_name=name)


def unsupported_column(name: str) -> Fault:
    return invalid_query("unsupported column", column_name=name)


def invalid_value(name: str, expected: str | None, value: Any) -> Fault:
    details = {"column_name": name, "value": value}
    if expected is not None:
        details["expected_data_type"] = expected
    return invalid_query("value given seems to be invalid for the column", **details)


def limit_exceeded(clause: str, limit: int, **details: Any) -> Fault:
    return Fault(400, "LIMIT_EXCEEDED", "limit exceeded", {"clause": clause, "limit": limit, **details})


def duplicate(message: str, **details: Any) -> Fault:
    return Fault(400, "DUPLICATE_DATA", message, details)
