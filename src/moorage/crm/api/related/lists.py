"""The related lists of a record: read [Z get-related-records]."""

from collections.abc import Awaitable, Callable
from functools import partial

from moorage.crm.api.records.listing import Listing, asked_fields
from moorage.crm.api.records.told_keys import with_told
from moorage.crm.api.related.activities import activity_lists, list_activities
from moorage.crm.api.related.invitees import is_invitees, list_invitees
from moorage.crm.api.related.link_values import with_link_values
from moorage.crm.faults import Fault
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.ids import whole_id
from moorage.crm.metadata.shown import shape
from moorage.crm.records.access import readable, visible_with
from moorage.crm.records.reading import since_header
from moorage.crm.records.related import RelatedList, related_list
from moorage.crm.storage.contract.records import Filter, Ids, ModifiedSince, Order, Page, Present, Window
from moorage.crm.wire.call import JSON, Call, no_content, then
from moorage.crm.wire.parameters import field_names, path_id
from moorage.crm.wire.routing import Route
from moorage.http.message import Response


def list_related_records(call: Call) -> Response | Awaitable[Response]:
    parents = readable(call)
    activities = activity_lists(call, parents, call.path["related_list"])
    if activities:
        parent = parent_of(call)
        there = partial(if_there, call, parents, parent, unknown_record)
        return list_activities(call, activities, parent, there)
    if is_invitees(parents, call.path["related_list"]):
        return _invitees(call, parents)
    return list_related(call, related_of(call, parents), parent_of(call), unknown_record)


async def _invitees(call: Call, meetings: Module) -> Response:
    shown = await list_invitees(call, meetings, parent_of(call))
    if shown is None:
        raise unknown_record()
    return shown


def get_related_record(call: Call) -> Response | Awaitable[Response]:
    related, parent = related_of(call, readable(call)), parent_of(call)
    record = path_id(call.path, 3, "related_id")
    return get_related(call, related, parent, record, unknown_record)


def related_of(call: Call, parents: Module, index: int = 2) -> RelatedList:
    """The list of the module that the path names in this segment.

    Raises the Faults of an unknown list, and of a missing scope.
    """
    related = related_list(call.organisation, parents, call.path["related_list"])
    if related is None:
        raise unknown_list(index)
    call.require("ZohoCRM.modules.{module}.READ", related.module.api_name)
    return related


def unknown_list(index: int = 2) -> Fault:
    """For a name of no list of the module. `index` is its place among the segments of the path."""
    message = "The related name given seems to be invalid"
    return Fault(400, "INVALID_DATA", message, {"resource_path_index": index})


def unknown_record() -> Fault:
    """For an id of no record. Zoho writes this sentence with a capital for lists, and without one for notes."""
    message = "The related id given seems to be invalid"
    return Fault(400, "INVALID_DATA", message, {"resource_path_index": 1})


def parent_of(call: Call, unknown: Callable[[], Fault] = unknown_record) -> int:
    """The id of the list's record. Raises the Fault of an unknown record for a value that can't be an id."""
    parent = whole_id(call.path["id"])
    if parent is None:
        raise unknown()
    return parent


def list_related(
    call: Call, related: RelatedList, parent: int, unknown: Callable[[], Fault] | None
) -> Response | Awaitable[Response]:
    """A page of the list of a record. `unknown` is the Fault if there is no such record.

    None means that the record was deleted, and is in the recycle bin.
    """
    names = asked_fields(call)
    listing = Listing.of(call, related.module, f"{related.parents.api_name}/{parent}/{related.name}")
    filters = [*_in_list(call, related, parent, is_deleted=unknown is None), *listing.filters]
    sort_by, sort_order = listing.sorting
    shown = shape(related.module, names)
    page = call.store.page(related.module, shown, filters, listing.order, listing.window)
    records = with_told(call, related.module, shown, page)

    def show(page: Page) -> Response | Awaitable[Response]:
        if page.count:
            whole = with_link_values(call, related, parent, page, names, is_deleted=unknown is None)
            return then(whole, lambda page: listing.answer(page, sort_by=sort_by, sort_order=sort_order))
        empty = listing.answer(page)
        return empty if unknown is None else if_there(call, related.parents, parent, unknown, empty)

    return then(records, show)


def get_related(
    call: Call, related: RelatedList, parent: int, record: int, unknown: Callable[[], Fault]
) -> Response | Awaitable[Response]:
    """One record of the list of a record, whole."""
    names = field_names(call.params) if "fields" in call.params else None
    shown = shape(related.module, names, whole=True)
    since, order = since_header(call), Order(related.module.fields["id"], descending=True)
    filters = [*_in_list(call, related, parent), Ids((record,))]
    changed: list[Filter] = []
    if since is not None and "Modified_Time" in related.module.fields:
        changed.append(ModifiedSince(since))

    def show(page: Page) -> Response | Awaitable[Response]:
        if page.count:
            whole = with_link_values(call, related, parent, page, names)
            return then(whole, lambda page: Response(200, b'{"data":' + page.data + b"}", JSON))
        if not changed:
            return if_there(call, related.parents, parent, unknown, no_content())
        unchanged = call.store.page(related.module, shape(related.module, []), filters, order, Window(1))
        changed.clear()
        return then(unchanged, lambda page: Response(304) if page.count else show(page))

    page = call.store.page(related.module, shown, [*filters, *changed], order, Window(1))
    return then(with_told(call, related.module, shown, page), show)


def _in_list(call: Call, related: RelatedList, parent: int, *, is_deleted: bool = False) -> list[Filter]:
    """The lookups to a record that was deleted still point to it, so it has to be there."""
    call.related_module = related.module.api_name
    filters = [related.condition(parent, int(call.now)), *visible_with(call, related.module)]
    return filters if is_deleted else [Present(related.parents, parent), *filters]


def if_there(
    call: Call, parents: Module, parent: int, unknown: Callable[[], Fault], shown: Response
) -> Response | Awaitable[Response]:
    """The answer, if the record of the list is there. Otherwise raises the Fault."""

    def show(record: bytes | None) -> Response:
        if record is None:
            raise unknown()
        return shown

    return then(call.store.record(parents, shape(parents, []), parent), show)


_LIST = "/crm/v8/{module}/{id}/{related_list}"
_READ = ("ZohoCRM.modules.{module}.READ",)
ROUTES = (
    Route("GET", _LIST, list_related_records, _READ),
    Route("GET", f"{_LIST}/{{related_id}}", get_related_record, _READ),
)
