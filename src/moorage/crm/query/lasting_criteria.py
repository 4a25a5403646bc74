"""Criteria of roll-up fields: what they say of a record stays true until the record itself is written.

So the values of a roll-up field are right as long as they are worked out whenever a record is written.
"""

from collections.abc import Iterator
from typing import Any

from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.documents import Body
from moorage.crm.metadata.roll_ups import WORKED_OUT
from moorage.crm.query.compare import EMPTY, NOT_EMPTY, Context, comparable
from moorage.crm.query.search_criteria import invalid_query
from moorage.crm.query.tree import AllOf, AnyOf, Checked, Named, Not
from moorage.crm.query.view_criteria import view_conditions

MOST_VALUES = 100  # Of all conditions together: one statement works out all roll-ups over the same records.


def lasting_conditions(body: Body | None, module: Module, context: Context) -> Checked | None:
    """The conditions of a roll-up's criteria; None for all records. Raises Fault INVALID_QUERY."""
    checked = view_conditions(body, module, context)
    if body is None or checked is None:
        return None
    conditions = list(_conditions(body))
    if sum(len(_values(condition)) for condition in conditions) > MOST_VALUES:
        raise invalid_query(f"there can be at most {MOST_VALUES} values")
    for condition in conditions:
        _require_lasting(comparable(module, _name(condition)), condition)
    for named in _named(checked):
        raise invalid_query("a record or a user must be given by its id", api_name=named.api_name)
    return checked


def with_ids(body: Body, module: Module) -> Body:
    """Well-formed criteria in which every condition names its field by API name and id."""
    if "group" in body:
        return {
            "group_operator": body["group_operator"].upper(),
            "group": [with_ids(part, module) for part in body["group"]],
        }
    field, value = comparable(module, _name(body)), body.get("value")
    return {
        "comparator": body["comparator"],
        "field": {"api_name": field.api_name, "id": str(field.id)},
        "type": "value",
        "value": [_plain(each) for each in value] if isinstance(value, list) else _plain(value),
    }


def fields_of(body: Body | None) -> set[str]:
    """The API names of the fields in well-formed criteria."""
    return set() if body is None else {_name(condition) for condition in _conditions(body)}


def _conditions(body: Body) -> Iterator[Body]:
    if "group" not in body:
        yield body
        return
    for part in body["group"]:
        yield from _conditions(part)


def _name(condition: Body) -> str:
    field = condition["field"]
    name: str = field["api_name"] if isinstance(field, dict) else field
    return name


def _values(condition: Body) -> list[Any]:
    value = condition.get("value")
    return value if isinstance(value, list) else [value]


def _plain(value: Any) -> Any:
    """A value as it is kept: of a record or a user only the id."""
    if not isinstance(value, dict):
        return value
    return {"id": value["id"]} if value.get("id") else value.get("name")


def _require_lasting(field: Field, condition: Body) -> None:
    if field.data_type in WORKED_OUT:
        raise invalid_query(f"a field of type {field.data_type} cannot be used here", api_name=field.api_name)
    for value in _values(condition):
        text = (value.get("id") or value.get("name")) if isinstance(value, dict) else value
        if isinstance(text, str) and text.strip().startswith("${") and text.strip() not in {EMPTY, NOT_EMPTY}:
            reason = "a value that changes with the day or the user cannot be used here"
            raise invalid_query(reason, api_name=field.api_name, value=text)


def _named(checked: Checked) -> Iterator[Field]:
    match checked:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from _named(part)
        case Not(part):
            yield from _named(part)
        case Named(field, _):
            yield field
