"""What a roll-up field works out: its function, the field whose values count, and what comes of them."""

from collections.abc import Mapping

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.custom.json_object import JsonObject
from moorage.crm.metadata.custom.naming import LONGEST_LABEL
from moorage.crm.metadata.custom.types import MOST_DECIMALS
from moorage.crm.metadata.roll_ups import WORKED_OUT, Function

_FUNCTIONS: tuple[Function, ...] = ("average", "count", "max", "min", "sum")
_NUMBERS = ("bigint", "currency", "double", "integer", "percent")
_FITTING: Mapping[str, tuple[str, ...]] = {
    "sum": _NUMBERS,
    "average": _NUMBERS,
    "min": (*_NUMBERS, "date", "datetime"),
    "max": (*_NUMBERS, "date", "datetime"),
}
_ALSO: Mapping[str, tuple[str, ...]] = {
    "integer": ("bigint",),
    "currency": ("double",),
    "percent": ("double",),
}


def function_of(expression: JsonObject) -> Function:
    name = expression.text("function", LONGEST_LABEL)
    if name is None:
        raise expression.missing("function")
    for function in _FUNCTIONS:
        if name.lower() == function:
            return function
    raise expression.invalid("function", supported_values=list(_FUNCTIONS))


def parameter_of(expression: JsonObject, function: Function, module: Module) -> Field | None:
    """The field whose values are rolled up; None for a count, which is of records."""
    parameters = expression.items("function_parameters", 1)
    if function == "count":
        if parameters and parameters[0].raw("api_name") != "id":
            raise parameters[0].fault("NOT_SUPPORTED", "a count is of records, by their id", "api_name")
        return None
    if not parameters:
        raise expression.missing("function_parameters")
    (parameter,) = parameters
    name = parameter.text("api_name", LONGEST_LABEL)
    if name is None:
        raise parameter.missing("api_name")
    field = module.fields.get(name)
    if field is not None and field.data_type in WORKED_OUT:
        reason = f"a field of type {field.data_type} cannot be rolled up here"
        raise parameter.fault("NOT_SUPPORTED", reason, "api_name")
    # Ids and some arrays of objects are of type bigint, too.
    fitting = [f for f in module.of_type(*_FITTING[function]) if f.storage not in {"id", "json"}]
    if field not in fitting:
        raise parameter.invalid("api_name", supported_values=[f.api_name for f in fitting])
    return field


def return_type_of(roll_up: JsonObject, function: Function, field: Field | None) -> str:
    """What the caller chose, or what follows from function and field."""
    if field is None:
        possible: tuple[str, ...] = ("integer", "bigint")
    elif function == "average" and field.data_type in {"integer", "bigint"}:
        possible = ("double",)
    else:
        possible = (field.data_type, *_ALSO.get(field.data_type, ()))
    chosen = roll_up.text("return_type", LONGEST_LABEL)
    if chosen is not None and chosen not in possible:
        raise roll_up.invalid("return_type", supported_values=list(possible))
    return chosen or possible[0]


def decimals_of(spec: JsonObject, function: Function, field: Field | None, usual: int | None) -> int | None:
    """An average has as many decimals as the caller wants; other values have those of their field."""
    if usual is None or field is None:
        return None
    places = spec.whole_number("decimal_place")
    if function != "average":
        if places not in (None, field.decimal_place):
            raise spec.fault("DEPENDENT_MISMATCH", "decimal_place is that of the field", "decimal_place")
        return field.decimal_place
    if places is None:
        return max(usual, field.decimal_place or 0)
    if not 0 <= places <= MOST_DECIMALS:
        raise spec.invalid("decimal_place", range={"from": 0, "to": MOST_DECIMALS})
    return places
