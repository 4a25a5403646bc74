"""The records of a module as a table, by views. With scripts it becomes a grid over all of them."""

import asyncio
from typing import Any

from starlette.responses import Response

from moorage.console.calls import Refused
from moorage.console.crm.conditions import WORDS, comparators_of
from moorage.console.crm.place import Place, module_of, named, place_of
from moorage.console.crm.view_calls import FAR, Call, Source, count_of, records_of
from moorage.console.crm.views import ROWS, View, default_columns, view_of
from moorage.console.crm.writing import refused_words
from moorage.console.visit import Page, Shown, Visit, get
from moorage.http.control import json_response
from moorage.http.errors import NotFound

_MOST_ROWS = 200  # That a script gets at once.


async def source_of(place: Place, name: str) -> tuple[Source, dict[str, Any], list[str]]:
    """The view that the address names, the module that it is of, and what is wrong with the address."""
    visit = place.visit
    module, fields = await asyncio.gather(place.module(name), place.fields(name))
    if not fields:
        raise NotFound(f"The module {name} has no fields to show.", help="Choose another module.")
    view, faults = view_of(visit.query, fields)
    custom = module.get("custom_view") or {}
    if view.custom is not None:
        path = f"/settings/custom_views/{view.custom}"
        custom = ((await place.described(path, {"module": name})).get("custom_views") or [{}])[0]
    shown = [column["api_name"] for column in custom.get("fields") or () if isinstance(column, dict)]
    columns = view.columns or default_columns(shown, fields)
    sort, descending = view.sort, view.descending
    if sort is None and view.custom and isinstance(custom.get("sort_by"), dict):
        sort, descending = custom["sort_by"].get("api_name"), custom.get("sort_order") == "desc"
    return Source(name, view, fields, columns, sort, descending), dict(module), faults


async def show(visit: Visit) -> Shown:
    place = await place_of(visit)
    source, module, faults = await source_of(place, module_of(visit))
    view = source.view
    offset = (view.page - 1) * ROWS
    # To count many records takes longer than to show some, so it is done where somebody asks.
    is_far = offset + ROWS > FAR
    counted = count_of(place, source) if is_far or visit.query.get("count") == "1" else _nothing()
    views, total = await asyncio.gather(_custom_views(place, source.module), counted)
    records: list[dict[str, Any]] = []
    more, call, failed = False, None, None
    try:
        call = source.call(offset, ROWS, total)
        records, more = await records_of(place, call)
    except Refused as refused:
        failed = refused
    values = {
        **place.values(),
        "module": named(module),
        "views": views,
        "view": view.document(),
        "columns": [_column(source, name) for name in source.columns],
        "fields": [field.document() for field in source.fields.values()],
        "comparators": _comparators(source),
        "records": records,
        "total": total,
        "more": more,
        "offset": offset,
        "faults": faults + ([refused_words(failed)] if failed else []),
        "call": _call(visit, place, source, call),
        "chosen": ",".join(view.columns),
        "links": _links(view, more=more),
    }
    return Shown("crm/grid.html", values, failed.status if failed else 200)


async def rows(visit: Visit) -> Response:
    """Some records of a view for the grid: `limit` of them behind the first `offset`."""
    place = await place_of(visit)
    source, _, _ = await source_of(place, module_of(visit))
    offset, limit, total = (_number(visit, name) for name in ("offset", "limit", "total"))
    call = source.call(offset or 0, min(max(limit or ROWS, 1), _MOST_ROWS), total)
    records, more = await records_of(place, call)
    return json_response({"offset": offset or 0, "records": records, "more": more, "call": call.line})


async def count(visit: Visit) -> Response:
    place = await place_of(visit)
    source, _, _ = await source_of(place, module_of(visit))
    return json_response({"total": await count_of(place, source)})


async def described(visit: Visit) -> Response:
    """The fields of a module with what can be typed into them, for the grid."""
    place = await place_of(visit)
    fields = await place.fields(module_of(visit))
    found = [
        {**field.document(), "options": [list(option) for option in field.options], "target": field.target}
        for field in fields.values()
    ]
    return json_response({"fields": found})


async def _nothing() -> None:
    return None


def _number(visit: Visit, name: str) -> int | None:
    text = visit.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


async def _custom_views(place: Place, module: str) -> list[dict[str, Any]]:
    found = await place.described("/settings/custom_views", {"module": module})
    views = found.get("custom_views") or ()
    return [{"id": view["id"], "name": view.get("display_value") or view["name"]} for view in views]


def _column(source: Source, name: str) -> dict[str, Any]:
    view, field = source.view, source.fields[name]
    descending = view.sort == name and not view.descending
    return {
        **field.document(),
        "sorted": None if source.sort != name else "descending" if source.descending else "ascending",
        "sort_link": view.link(sort=name, descending=descending, page=1),
    }


def _comparators(source: Source) -> list[dict[str, Any]]:
    """What conditions can say, in words, with the fields that can be compared so."""
    compared = {name: comparators_of(field) for name, field in source.fields.items() if field.is_column}
    return [
        {"name": name, "words": words, "fields": [field for field in compared if name in compared[field]]}
        for name, words in WORDS.items()
    ]


def _call(visit: Visit, place: Place, source: Source, call: Call | None) -> dict[str, Any] | None:
    if call is None:
        return None
    coql = source.coql()
    query = Call("POST", "/coql", {}, {"select_query": coql}) if coql and call.body is None else None
    return {
        "line": call.line,
        "curl": call.curl(visit.base_url, place.id),
        "coql": coql,
        "coql_curl": query.curl(visit.base_url, place.id) if query else None,
    }


def _links(view: View, *, more: bool) -> dict[str, Any]:
    return {
        "here": view.link(),
        "next": view.link(page=view.page + 1) if more else None,
        "count": f"{view.link()}{'&' if view.pairs() else ''}count=1",
        "previous": view.link(page=view.page - 1) if view.page > 1 else None,
        "plain": view.link(conditions=(), word="", any_of=False, page=1),
        "without": [view.without(index) for index in range(len(view.conditions))],
    }


PAGES: tuple[Page, ...] = (
    get("/crm/{connection}/{module}", show),
    get("/crm/{connection}/{module}/rows", rows),
    get("/crm/{connection}/{module}/count", count),
    get("/crm/{connection}/{module}/fields", described),
)
