"""Custom views: their definitions and documents."""

from collections.abc import Mapping
from typing import Any

import msgspec

from moorage.crm.metadata.documents import Body


class Term(msgspec.Struct, frozen=True):
    """One comparison, or several that are joined: those of `terms`."""

    field: str = ""
    value: Any = None
    comparator: str = "equal"
    terms: tuple["Term", ...] = ()
    join: str = "AND"


class ViewDefinition(msgspec.Struct, frozen=True):
    name: str
    criteria: Term | None = None
    system_name: str | None = None
    display_value: str | None = None
    columns: tuple[str, ...] = ()
    sort_by: str | None = None


def view_document(
    id_: str, view: ViewDefinition, columns: tuple[str, ...], fields: Mapping[str, Body]
) -> Body:
    return {
        "id": id_,
        "name": view.name,
        "display_value": view.display_value or view.name,
        "system_name": view.system_name,
        "default": view.system_name == "ALLVIEWS",
        "criteria": _criteria(view.criteria, fields) if view.criteria else None,
        "fields": [{**_reference(fields[column]), "_pin": False} for column in columns],
        "sort_by": _reference(fields[view.sort_by]) if view.sort_by else None,
        "sort_order": _sort_order(view.sort_by),
    }


def _sort_order(sort_by: str | None) -> str | None:
    if sort_by is None:
        return None
    # Past times are read latest first, due times earliest first.
    return "desc" if sort_by in {"Created_Time", "Modified_Time"} else "asc"


def _criteria(term: Term, fields: Mapping[str, Body]) -> Body:
    if len(term.terms) == 1:
        return _criteria(term.terms[0], fields)
    if term.terms:
        return {"group_operator": term.join, "group": [_criteria(t, fields) for t in term.terms]}
    field = _reference(fields[term.field])
    return {"comparator": term.comparator, "field": field, "type": "value", "value": term.value}


def _reference(field: Body) -> Body:
    return {"api_name": field["api_name"], "id": field["id"]}
