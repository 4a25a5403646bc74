"""Criteria of bulk jobs: those of custom views, with errors of their own [Z bulk-read]."""

from typing import Any

from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.query.compare import (
    EMPTY,
    NOT_EMPTY,
    Context,
    FieldUnfit,
    OperatorUnfit,
    ValueUnfit,
    comparable,
    comparators_of,
    compare,
    require_comparator,
)
from moorage.crm.query.search_criteria import DEPTH_LIMIT, storable
from moorage.crm.query.texts import require_few_words
from moorage.crm.query.tree import AllOf, AnyOf, Checked
from moorage.crm.query.view_criteria import CONDITION_LIMIT, VALUE_LIMIT, values_of


def bulk_conditions(criteria: Any, module: Module, context: Context) -> Checked:
    """The conditions of well-formed criteria. Raises the Fault of others."""
    if _count(criteria, 0) > CONDITION_LIMIT:
        raise _fault(
            "CRITERIA_LIMIT_EXCEEDED",
            f"criteria can have {CONDITION_LIMIT} conditions",
            limit=CONDITION_LIMIT,
        )
    checked = _checked(criteria, module, context)
    require_few_words(checked, context.catalog)
    return checked


def _count(criteria: Any, depth: int) -> int:
    """The number of conditions. Raises the Fault for groups that are not well formed."""
    if not isinstance(criteria, dict):
        raise _fault("INVALID_CRITERIA", "criteria are an object with a field, or with a group")
    if "group" not in criteria:
        return 1
    if criteria.keys() & {"field", "api_name", "comparator"}:
        raise _fault("AMBIGUOUS_CRITERIA", "criteria have either a group or a field")
    group, operator = criteria["group"], criteria.get("group_operator")
    if not isinstance(operator, str) or operator.lower() not in {"and", "or"}:
        raise _fault("GROUP_OPERATOR_NOT_SUPPORTED", "group_operator is and, or or", supported=["and", "or"])
    if not isinstance(group, list) or not group or depth == DEPTH_LIMIT:
        raise _fault("INVALID_CRITERIA", f"group is an array of criteria, and at most {DEPTH_LIMIT} deep")
    return sum(_count(part, depth + 1) for part in group)


def _checked(criteria: dict[str, Any], module: Module, context: Context) -> Checked:
    if "group" not in criteria:
        return _condition(criteria, module, context)
    parts = tuple(_checked(part, module, context) for part in criteria["group"])
    return AllOf(parts) if criteria["group_operator"].lower() == "and" else AnyOf(parts)


def _condition(condition: dict[str, Any], module: Module, context: Context) -> Checked:
    if condition.get("type") not in (None, "value"):
        raise _fault("VALUE_TYPE_NOT_SUPPORTED", "the type of a value is value", supported=["value"])
    name, comparator = _name(condition), f"{condition.get('comparator')}"
    try:
        field = comparable(module, name)
        require_comparator(field, comparator)
        values = _values(field, comparator, condition.get("value"))
        return compare(field, comparator, values, context)
    except FieldUnfit:
        known = module.fields.get(name.partition(".")[0])
        code = "FIELD_IN_CRITERIA_NOT_AVAILABLE" if known is None else "FIELD_IN_CRITERIA_NOT_SUPPORTED"
        raise _fault(
            code, "a field of the criteria can not be used", api_name=name, module=module.api_name
        ) from None
    except OperatorUnfit:
        raise _fault(
            "FIELD_AND_COMPARATOR_IN_CRITERIA_NOT_COMPATIBLE",
            "the field has no such comparator",
            comparator=comparator,
            api_name=name,
            supported=comparators_of(field),
        ) from None
    except ValueUnfit:
        raise _fault(
            _unfit(comparator, condition.get("value")), "the value does not fit", api_name=name
        ) from None


def _name(condition: dict[str, Any]) -> str:
    field = condition.get("field", condition.get("api_name"))  # Before v8, a condition has the name itself.
    name = field.get("api_name") if isinstance(field, dict) else field
    if not isinstance(name, str) or not storable(name):
        raise _fault("INVALID_CRITERIA", "a condition needs a field with an api_name")
    return name


def _values(field: Field, comparator: str, value: Any) -> list[str]:
    if isinstance(value, list) and len(value) > VALUE_LIMIT:
        raise _fault(
            "VALUE_LIMIT_EXCEEDED_IN_CRITERIA",
            f"a condition has at most {VALUE_LIMIT} values",
            limit=VALUE_LIMIT,
        )
    if value == [] or (isinstance(value, list) and comparator in {"contains", "starts_with", "ends_with"}):
        raise _fault(
            "VALUE_IN_CRITERIA_NOT_SUPPORTED", "the value can not be an array", api_name=field.api_name
        )
    return values_of(field, value)


def _unfit(comparator: str, value: Any) -> str:
    """The code for a value that is not the comparator's, or not the field's."""
    is_pair = isinstance(value, list) and len(value) == 2
    if (comparator in {"between", "not_between"} and not is_pair) or value in (EMPTY, NOT_EMPTY):
        return "COMPARATOR_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE"
    return "FIELD_AND_VALUE_IN_CRITERIA_NOT_COMPATIBLE"


def _fault(code: str, message: str, **details: Any) -> Fault:
    return Fault(400, code, message, details)
