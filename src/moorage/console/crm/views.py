"""A view of a module: which records, in which order, with which columns. All of it is in the address of its page."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace
from starlette.datastructures import QueryParams

from moorage.console.crm.conditions import Condition, comparators_of
from moorage.console.crm.fields import Field
from moorage.console.crm.place import is_id, is_name

ROWS = 50  # Of a page.
_MOST_COLUMNS = 30
_MOST_CONDITIONS = 10


class View(msgspec.Struct, frozen=True):
    """`custom` is the id of a custom view of the organisation. `columns` and `sort` are names of fields."""

    custom: str | None = None
    columns: tuple[str, ...] = ()
    sort: str | None = None
    descending: bool = False
    word: str = ""
    conditions: tuple[Condition, ...] = ()
    any_of: bool = False
    page: int = 1

    def pairs(self) -> list[tuple[str, str]]:
        """Itself, as the query of an address."""
        found: list[tuple[str, str]] = []
        if self.custom:
            found.append(("view", self.custom))
        if self.columns:
            found.append(("columns", ",".join(self.columns)))
        if self.sort:
            found += [("sort", self.sort), ("order", "desc" if self.descending else "asc")]
        if self.word:
            found.append(("word", self.word))
        for condition in self.conditions:
            found += [("field", condition.field), ("is", condition.comparator), ("value", condition.value)]
        if self.any_of:
            found.append(("join", "or"))
        if self.page > 1:
            found.append(("page", str(self.page)))
        return found

    def link(self, **changes: Any) -> str:
        """The query of the address of a view that differs from this one, with a question mark."""
        return f"?{urlencode(replace(self, **changes).pairs(), quote_via=quote)}"

    def without(self, index: int) -> str:
        """The view without one of its conditions."""
        left = tuple(each for at, each in enumerate(self.conditions) if at != index)
        return self.link(conditions=left, page=1)

    def document(self) -> dict[str, Any]:
        return {
            "view": self.custom,
            "sort": self.sort,
            "order": "desc" if self.descending else "asc",
            "word": self.word,
            "conditions": [condition.document() for condition in self.conditions],
            "join": "or" if self.any_of else "and",
            "page": self.page,
        }


def view_of(query: Mapping[str, str], fields: Mapping[str, Field]) -> tuple[View, list[str]]:
    """The view that an address names, and what can't be done about it, in words."""
    assert isinstance(query, QueryParams)
    faults: list[str] = []
    sort = query.get("sort") or None
    if sort is not None and (sort not in fields or not fields[sort].is_column):
        faults.append(f"Records can't be sorted by {sort!r:.100}.")
        sort = None
    conditions = _conditions(query, fields, faults)
    word = query.get("word", "").strip()
    if word and conditions:
        faults.append("Zoho searches by a word or by conditions. Only the word counts here.")
        conditions = ()
    custom = query.get("view") or None
    if custom is not None and not is_id(custom):
        faults.append(f"There is no view {custom!r:.100}.")
        custom = None
    # Columns are chosen as a list, or each by a box.
    named = [name for text in query.getlist("columns") for name in text.split(",")]
    columns = tuple(dict.fromkeys(name for name in named if name in fields and fields[name].is_column))
    page = query.get("page", "1")
    return View(
        custom,
        columns[:_MOST_COLUMNS],
        sort,
        query.get("order") == "desc",
        word,
        conditions,
        query.get("join") == "or",
        max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 7 else 1,
    ), faults


def _conditions(query: QueryParams, fields: Mapping[str, Field], faults: list[str]) -> tuple[Condition, ...]:
    found = []
    values = [*query.getlist("value"), *[""] * _MOST_CONDITIONS]
    for name, comparator, value in zip(query.getlist("field"), query.getlist("is"), values, strict=False):
        if not name:
            continue
        if name not in fields or not is_name(name):
            faults.append(f"There is no field {name!r:.100}.")
        elif comparator not in comparators_of(fields[name]):
            faults.append(f"{fields[name].label} can't be compared by {comparator!r:.100}.")
        elif not value and comparator not in {"empty", "filled"}:
            faults.append(f"The condition for {fields[name].label} needs a value.")
        else:
            found.append(Condition(name, comparator, value))
    if len(found) > _MOST_CONDITIONS:
        faults.append(f"A view has up to {_MOST_CONDITIONS} conditions.")
    return tuple(found[:_MOST_CONDITIONS])


def default_columns(shown: Sequence[str], fields: Mapping[str, Field]) -> tuple[str, ...]:
    """The columns of a view that names none: those of the organisation's view, else the first of the module."""
    found = [name for name in shown if name in fields and fields[name].is_column]
    return tuple(found or [name for name in fields if fields[name].is_column and name != "id"][:8])
