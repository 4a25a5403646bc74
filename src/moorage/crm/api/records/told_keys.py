"""Keys of records whose values are not in the record: the attachments of a note, and whether a meeting is cancelled."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.shown import Shape, shape
from moorage.crm.query.tree import AnyOf, Equal
from moorage.crm.records.attachments import MODULE as ATTACHMENTS
from moorage.crm.records.meetings import KIND as CANCELLED
from moorage.crm.storage.contract.companions import CompanionsOf
from moorage.crm.storage.contract.records import Order, Page, Window
from moorage.crm.wire.call import Call, encode, settled

MOST_ATTACHMENTS = 1_000  # Of the notes of one page.
_PART = 200


def has_told(module: Module, shown: Shape) -> bool:
    """Whether records of a module show such a key."""
    told = _TOLD.get(module.api_name)
    return told is not None and told[0] in shown.names


def with_told(
    call: Call, module: Module, shown: Shape, page: Page | Awaitable[Page]
) -> Page | Awaitable[Page]:
    """The page with the values of such a key, if its records show one; else the page as it is."""
    return _with_values(call, page, *_TOLD[module.api_name]) if has_told(module, shown) else page


async def _with_values(
    call: Call,
    asked: Page | Awaitable[Page],
    key: str,
    values_of: Callable[[Call, Sequence[int]], Awaitable[dict[int, Any]]],
) -> Page:
    page = await settled(asked)
    if not page.count:
        return page
    records = msgspec.json.decode(page.data, type=list[dict[str, msgspec.Raw]])
    ids = [int(msgspec.json.decode(record["id"])) for record in records]
    values = await values_of(call, ids)
    if not values:
        return page
    for record, identity in zip(records, ids, strict=True):
        if identity in values:
            record[key] = msgspec.Raw(encode(values[identity]))
    return msgspec.structs.replace(page, data=encode(records))


async def _attachments(call: Call, notes: Sequence[int]) -> dict[int, Any]:
    module = call.organisation.catalog.modules[ATTACHMENTS]
    parent = module.fields["Parent_Id"]
    page = await settled(
        call.store.page(
            module,
            shape(module, ["File_Name", "Size", "Parent_Id"]),
            [AnyOf(tuple(Equal(parent, note) for note in notes))],
            Order(module.fields["id"], descending=False),
            Window(MOST_ATTACHMENTS),
        )
    )
    rows = msgspec.json.decode(page.data)
    files = await call.store.files.owned_by([int(row["id"]) for row in rows]) if rows else {}
    attachments: dict[int, Any] = {}
    for row in rows:
        of_row = files.get(int(row["id"]), ())
        shown = {
            "$file_id": of_row[0].key if of_row else None,
            "File_Name": row["File_Name"],
            "Size": str(row["Size"]),
            "id": row["id"],
        }
        attachments.setdefault(int(row["Parent_Id"]["id"]), []).append(shown)
    return attachments


async def _cancelled(call: Call, _: Sequence[int]) -> dict[int, Any]:
    """All meetings that were cancelled are looked at: they are few."""
    cancelled: dict[int, Any] = {}
    start, more = 0, True
    while more:
        which = CompanionsOf(CANCELLED, newest_first=True)
        part = await settled(call.store.companions(which, Window(_PART, start)))
        cancelled |= {companion.owner: True for companion in part.companions}
        start, more = start + _PART, part.more
    return cancelled


_TOLD = {"Notes": ("$attachments", _attachments), "Events": ("$event_cancelled", _cancelled)}
