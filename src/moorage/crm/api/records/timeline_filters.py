"""The `filters` of a timeline, read and checked [Z timeline]."""

import operator
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault, param_invalid
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import instant

MOST_CONDITIONS = 25
MOST_VALUES = 100
SOURCE = "crm_api"  # Whence every change comes here.

_EQUALITIES = ("equal", "in", "not_equal", "not_in")
_TIMES: Mapping[str, Callable[[int, int], bool]] = {
    "less_than": operator.lt,
    "less_equal": operator.le,
    "greater_than": operator.gt,
    "greater_equal": operator.ge,
}
_COMPARATORS: Mapping[str, Collection[str]] = {
    "action": _EQUALITIES,
    "source": _EQUALITIES,
    "done_by": _EQUALITIES,
    "field_history": _EQUALITIES,
    "audited_time": (*_EQUALITIES, *_TIMES, "between"),
}


class Told(msgspec.Struct, frozen=True):
    """What an entry tells of a change. `fields` are the API names of the fields that changed."""

    action: str
    done_by: int | None
    audited_time: int | None  # In seconds since the epoch.
    field_history: Sequence[str] = ()
    source: str = SOURCE


class Condition(msgspec.Struct, frozen=True):
    name: str
    comparator: str
    values: tuple[Any, ...]

    def is_met(self, told: Told) -> bool:
        value = getattr(told, self.name)
        if self.comparator in _TIMES:
            return value is not None and _TIMES[self.comparator](value, self.values[0])
        if self.comparator == "between":
            return value is not None and self.values[0] <= value <= self.values[1]
        values = set(value) if self.name == "field_history" else {value}
        return values.isdisjoint(self.values) is self.comparator.startswith("not")


class TimelineFilter(msgspec.Struct, frozen=True):
    """Conditions of which all have to be met, or one."""

    conditions: Sequence[Condition] = ()
    is_any: bool = False

    def passes(self, told: Told) -> bool:
        met = (condition.is_met(told) for condition in self.conditions)
        return any(met) if self.is_any else all(met)


def timeline_filter(text: str | None) -> TimelineFilter:
    """Raises the Fault of a text that is no filter."""
    if text is None:
        return TimelineFilter()
    try:
        filters = msgspec.json.decode(text, type=dict[str, Any])
    except (ValueError, RecursionError):
        raise param_invalid("filters", expected_data_type="jsonobject") from None
    if "group" not in filters:
        return TimelineFilter([_condition(filters, "$")])
    group_operator = filters.get("group_operator", "and")
    if group_operator not in ("and", "AND", "or", "OR"):
        raise _invalid("group_operator", "$.group_operator", supported_values=["and", "or"])
    group = filters["group"]
    if not isinstance(group, list) or not group:
        raise _invalid("group", "$.group", expected_data_type="jsonarray")
    if len(group) > MOST_CONDITIONS:
        raise _invalid("group", "$.group", maximum_length=MOST_CONDITIONS)
    conditions = [_condition(part, f"$.group[{index}]") for index, part in enumerate(group)]
    return TimelineFilter(conditions, group_operator in ("or", "OR"))


def _condition(part: Any, path: str) -> Condition:
    field = part.get("field") if isinstance(part, dict) else None
    name = field.get("api_name") if isinstance(field, dict) else None
    if not isinstance(name, str) or name not in _COMPARATORS:
        message = "the relation name given seems to be invalid"
        details = {"param_name": "filters", "api_name": "field", "json_path": f"{path}.field"}
        raise Fault(400, "INVALID_DATA", message, {**details, "supported_values": list(_COMPARATORS)})
    comparator = part.get("comparator")
    if comparator not in _COMPARATORS[name]:
        supported = list(_COMPARATORS[name])
        raise _invalid("comparator", f"{path}.comparator", supported_values=supported)
    value = part.get("value")
    values = tuple(_value(name, each) for each in (value if isinstance(value, list) else [value]))
    wanted = {"between": 2, **dict.fromkeys(_TIMES, 1)}.get(comparator)
    if None in values or not 1 <= len(values) <= MOST_VALUES or wanted not in (None, len(values)):
        raise _invalid("value", f"{path}.value")
    return Condition(name, comparator, values)


def _value(name: str, value: Any) -> int | str | None:
    """A value as an entry has it; None if it can be none."""
    if name == "done_by":
        return whole_id(value.get("id") if isinstance(value, dict) else value)
    if not isinstance(value, str):
        return None
    return instant(value) if name == "audited_time" else value


def _invalid(api_name: str, path: str, **details: Any) -> Fault:
    return param_invalid("filters", api_name=api_name, json_path=path, **details)
