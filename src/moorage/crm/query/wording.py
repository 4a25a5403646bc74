"""The errors of searches and custom views for comparisons that are not possible."""

from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.query.compare import NotComparable, OperatorUnfit, ValueUnfit
from moorage.crm.query.operands import EXPECTED
from moorage.crm.query.search_criteria import invalid_query


def query_fault(error: NotComparable) -> Fault:
    """The Fault INVALID_QUERY that names the field."""
    match error:
        case OperatorUnfit(name=name, operator=operator):
            reason = "The operator is not valid for the field type"
            details = {"operator": operator, "reason": reason, "api_name": name}
            return Fault(400, "INVALID_QUERY", "invalid operator found", details)
        case ValueUnfit(name=name, field=field, value=value):
            return _invalid_value(name, field.storage, value)
    # This is the text of a live answer, which clients compare [Z observed]. [Z examples] also has the reason as the
    # message; the service does not.
    return invalid_query("the field is not available for search", api_name=error.name)


def _invalid_value(name: str, storage: str, value: Any) -> Fault:
    """The texts and keys of each type are those of [Z examples]."""
    expected, wrong = EXPECTED.get(storage), "invalid value for search"
    if expected is None:
        details = {"reason": "Please check the value of the field", "api_name": name, "value": value}
        return Fault(400, "INVALID_QUERY", wrong, details)
    details = {"expected_data_type": expected, "reason": wrong, "api_name": name}
    if storage in {"date", "datetime"}:
        return Fault(400, "INVALID_QUERY", "Invalid query formed", details | {"value": value})
    return Fault(400, "INVALID_QUERY", wrong, details)
