"""The `filters` of the recycle bin, read and checked [Z recycle-bin]."""

from collections.abc import Sequence
from typing import Any

import msgspec

from moorage.crm.faults import Fault, param_invalid
from moorage.crm.metadata.catalog import Catalog
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.times import instant
from moorage.crm.storage.contract.recycle_bin import BinComparison, BinCondition

MAX_CONDITIONS = 25
MAX_VALUES = 100
_EQUALITIES: dict[str, BinComparison] = {
    "equal": "in",
    "in": "in",
    "not_equal": "not in",
    "not_in": "not in",
}
_TEXTS: dict[str, BinComparison] = {"contains": "contains", "starts_with": "starts", "ends_with": "ends"}
_TIMES: dict[str, BinComparison] = {
    "equal": "in",
    "less_than": "<",
    "less_equal": "<=",
    "greater_than": ">",
    "greater_equal": ">=",
}
_COMPARATORS: dict[str, dict[str, BinComparison]] = {
    "module": _EQUALITIES,
    "deleted_by": _EQUALITIES,
    "display_name": _EQUALITIES | _TEXTS,
    "deleted_time": _TIMES,
}


def conditions_of(filters: Any, catalog: Catalog) -> list[BinCondition]:
    """The conditions of JSON, or of its text. Raises the Fault for what is no filter."""
    if isinstance(filters, str):
        try:
            filters = msgspec.json.decode(filters)
        except (ValueError, RecursionError):
            filters = None
    if not isinstance(filters, dict):
        raise param_invalid("filters", expected_data_type="jsonobject")
    parts: Any = [filters]
    path = "$"
    if "group" in filters:
        parts, path = filters["group"], "$.group[{}]"
        if filters.get("group_operator", "AND") not in ("AND", "and"):
            raise _invalid("group_operator", "$.group_operator", supported_values=["AND"])
        if not isinstance(parts, list):
            raise _invalid("group", "$.group", expected_data_type="jsonarray")
    if len(parts) > MAX_CONDITIONS:
        message = f"no of criterium that can be given exceed the limit {MAX_CONDITIONS}"
        details = {"limit": MAX_CONDITIONS, "param_name": "filters"}
        raise Fault(400, "CRITERIA_LIMIT_EXCEEDED", message, details)
    return [_condition(part, path.format(index), catalog) for index, part in enumerate(parts)]


def ids_are(records: Sequence[int]) -> BinCondition:
    return BinCondition("id", "in", tuple(records))


def _condition(part: Any, path: str, catalog: Catalog) -> BinCondition:
    field = part.get("field") if isinstance(part, dict) else None
    name = field.get("api_name") if isinstance(field, dict) else field
    if not isinstance(name, str) or name not in _COMPARATORS:
        raise _invalid("field", f"{path}.field", supported_values=list(_COMPARATORS))
    comparison = _COMPARATORS[name].get(str(part.get("comparator")))
    if comparison is None:
        details = {"api_name": "comparator", "json_path": f"{path}.comparator", "param_name": "filters"}
        raise Fault(400, "INVALID_DATA", "Please provide a valid comparator", details)
    value = part.get("value")
    values = value if isinstance(value, list) else [value]
    stored = tuple(_stored(name, value, catalog) for value in values)
    most = MAX_VALUES if comparison in {"in", "not in"} else 1
    if None in stored or not 1 <= len(stored) <= most:
        raise _invalid("value", f"{path}.value")
    return BinCondition(name, comparison, stored)  # type: ignore[arg-type]


def _stored(name: str, value: Any, catalog: Catalog) -> int | str | None:
    """A value as the bin has it; None if it is none."""
    if name == "module":
        named = value.get("api_name", value.get("id")) if isinstance(value, dict) else value
        modules = catalog.modules.values()
        return next((m.number for m in modules if named in (m.api_name, str(m.id))), None)
    if name == "deleted_by":
        return whole_id(value.get("id") if isinstance(value, dict) else value)
    if not isinstance(value, str) or "\0" in value:
        return None
    return instant(value) if name == "deleted_time" else value


def _invalid(api_name: str, path: str, **details: Any) -> Fault:
    return param_invalid("filters", api_name=api_name, json_path=path, **details)
