"""All activities of a record in one list: its tasks, meetings and calls [Z get-related-records]."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from moorage.crm.api.records.listing import SORTS, Listing, asked_fields
from moorage.crm.faults import param_invalid
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.times import instant
from moorage.crm.records.access import visible_with
from moorage.crm.records.related import HISTORY, RelatedList, related_list
from moorage.crm.storage.contract.records import Order, Page, Position, Present, Window
from moorage.crm.wire.call import Call, encode, settled
from moorage.crm.wire.members import AT_ONCE
from moorage.crm.wire.page_tokens import refuse_beyond
from moorage.http.message import Response

VIEW = "Activities_Chronological_View"
_MODULES = ("Tasks", "Events", "Calls")


def activity_lists(call: Call, parents: Module, name: str) -> list[RelatedList]:
    """The lists of which this list consists; none if it is another list. Raises the Fault of a missing scope."""
    if name not in {VIEW, f"{VIEW}{HISTORY}"}:
        return []
    suffix = name.removeprefix(VIEW)
    lists = (related_list(call.organisation, parents, f"{module}{suffix}") for module in _MODULES)
    parts = [part for part in lists if part is not None]
    for part in parts:
        call.require("ZohoCRM.modules.{module}.READ", part.module.api_name)
    return parts


async def list_activities(
    call: Call,
    parts: Sequence[RelatedList],
    parent: int,
    if_there: Callable[[Response], Response | Awaitable[Response]],
) -> Response:
    """A page of the records of all lists in one order. `if_there` gives an empty answer, if there is the parent."""
    names = asked_fields(call)
    call.related_module = "Activities"
    listing = Listing.of(
        call, parts[0].module, f"{parts[0].parents.api_name}/{parent}/{call.path['related_list']}"
    )
    if listing.sorting[0] not in SORTS:
        raise param_invalid("sort_by", supported_values=list(SORTS))
    refuse_beyond(listing.number, listing.size, by_token=listing.position is not None)
    pages = [await _part(call, listing, part, parent, names) for part in parts]
    if sum(len(page.data) for _, page in pages) <= AT_ONCE:
        page = _merged(pages, listing, names)
    else:
        page = await asyncio.to_thread(_merged, pages, listing, names)
    if not page.count:
        shown = if_there(listing.answer(page))
        return await settled(shown)
    sort_by, sort_order = listing.sorting
    return listing.answer(page, sort_by=sort_by, sort_order=sort_order)


async def _part(
    call: Call, listing: Listing, part: RelatedList, parent: int, names: Sequence[str] | None
) -> tuple[str, Page]:
    """The records of one list that can be on the page, and their module. By number, those before it are read, too."""
    module, window = part.module, listing.window
    if window.start is None:
        window = Window(window.offset + window.limit)
    asked = None if names is None else [*names, listing.sorting[0]]
    order = Order(module.fields[listing.sorting[0]], listing.order.descending)
    filters = [
        Present(part.parents, parent),
        part.condition(parent, int(call.now)),
        *visible_with(call, module),
        *listing.filters,
    ]
    page = call.store.page(module, shape(module, asked), filters, order, window)
    return module.api_name, await settled(page)


def _merged(pages: Sequence[tuple[str, Page]], listing: Listing, names: Sequence[str] | None) -> Page:
    """The page that is asked for, of the records of all lists."""
    window, (sort_by, _) = listing.window, listing.sorting
    rows = [
        (_position(record, sort_by), record | {"$module": module})
        for module, page in pages
        for record in msgspec.json.decode(page.data)
    ]
    rows.sort(key=lambda row: (row[0].key or 0, row[0].id), reverse=listing.order.descending)
    if window.backwards:
        chosen = rows[-window.limit :]
    else:
        chosen = rows[window.offset : window.offset + window.limit]
    more = window.backwards or any(page.more for _, page in pages) or len(rows) > window.offset + window.limit
    shown = [_shown(record, names, sort_by) for _, record in chosen]
    first, last = (chosen[0][0], chosen[-1][0]) if chosen else (None, None)
    return Page(encode(shown), len(chosen), first, last, more)


def _position(record: dict[str, Any], sort_by: str) -> Position:
    key = None if sort_by == "id" else instant(record[sort_by])
    return Position(key, int(record["id"]))


def _shown(record: dict[str, Any], names: Sequence[str] | None, sort_by: str) -> dict[str, Any]:
    """The record without the time of the order, if nobody asked for it."""
    if names is not None and sort_by != "id" and sort_by not in names:
        del record[sort_by]
    return record
