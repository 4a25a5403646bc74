"""A page of a list of records: which one is asked for, by number or by token, and its `info` [Z get-records]."""

from typing import Any

import msgspec

from moorage.crm.faults import ambiguous, param_invalid, param_missing
from moorage.crm.metadata.catalog import Module
from moorage.crm.metadata.documents import Document
from moorage.crm.metadata.times import zoned
from moorage.crm.records.modules import rules_of
from moorage.crm.records.reading import any_order, asked_filter, converted_filter, descends, since_header
from moorage.crm.storage.contract.records import Filter, Ids, ModifiedSince, Order, Page, Position, Window
from moorage.crm.wire import page_tokens
from moorage.crm.wire.call import Call, data_answer, no_content
from moorage.crm.wire.page_tokens import PagePosition, bound_to, refuse_beyond
from moorage.crm.wire.parameters import field_names, id_list, page_and_size
from moorage.http.message import Response

SORTS = ("id", "Created_Time", "Modified_Time")


def asked_fields(call: Call) -> list[str] | None:
    """The names of `fields`; None for all fields, which not every version of the API allows."""
    text = call.params.get("fields")
    if text and text.strip(","):
        return field_names(call.params)
    if call.rules.lists_need_fields:
        raise param_missing("fields")
    return None


class Listing(msgspec.Struct, frozen=True):
    """A page of `module`'s records that a call asks for. Page tokens are valid for the list that is called `name`.

    `since` is the time of If-Modified-Since. Records come in the order of `view`, if it has one.
    """

    call: Call
    module: Module
    name: str
    number: int
    size: int
    position: PagePosition | None
    since: int | None
    view: Document | None

    @classmethod
    def of(cls, call: Call, module: Module, name: str, view: Document | None = None) -> "Listing":
        """Raises the Faults of wrong parameters, and of a page that lies too far behind."""
        position = _position(call, name)
        page, size = page_and_size(call.params)
        if position is not None:
            page = position.number
        if call.rules.page_tokens:
            refuse_beyond(page, size, by_token=position is not None)
        return cls(call, module, name, page, size, position, since_header(call), view)

    @property
    def window(self) -> Window:
        # Of an order by another field, a token knows only the number of the page.
        if self.position is not None and self.order.field.api_name in SORTS:
            return Window(self.size, start=self.position.position, backwards=self.position.backwards)
        return Window(self.size, offset=(self.number - 1) * self.size)

    @property
    def sorting(self) -> tuple[str, str]:
        """The field and the direction of the query, or those of the view, or the module's usual ones."""
        field, direction = self._sorting_of_view or rules_of(self.module).usual_order
        return self.call.params.get("sort_by", field), self.call.params.get("sort_order", direction)

    @property
    def _sorting_of_view(self) -> tuple[str, str] | None:
        """None if the view has no order, or one by a field that is gone."""
        if self.view is None or self.view.body["sort_by"] is None:
            return None
        name = self.view.body["sort_by"]["api_name"]
        return (name, self.view.body["sort_order"] or "asc") if name in self.module.fields else None

    @property
    def order(self) -> Order:
        module, (name, direction) = self.module, self.sorting
        if self._sorting_of_view is not None:
            return Order(module.fields[name], descending=descends(direction))
        if name not in SORTS:
            if self.call.rules.sorts_by_any_field:
                return any_order(module, name, direction)
            raise param_invalid("sort_by", supported_values=list(SORTS))
        # A module without this time sorts by id: ids rise in the order in which records are made.
        return Order(module.fields.get(name, module.fields["id"]), descending=descends(direction))

    @property
    def filters(self) -> list[Filter]:
        """What `ids`, `filters`, `converted`, `approved` and If-Modified-Since let through."""
        filters: list[Filter] = []
        if "ids" in self.call.params:
            filters.append(Ids(tuple(id_list(self.call.params, "ids"))))
        if self.since is not None and "Modified_Time" in self.module.fields:
            filters.append(ModifiedSince(self.since))
        return [*filters, *asked_filter(self.call, self.module), *converted_filter(self.call, self.module)]

    def answer(self, page: Page, **more: Any) -> Response:
        """The answer with the page. `info` has `more`, too."""
        if not page.count:
            return no_content() if self.since is None else Response(304)
        return data_answer(page.data, self._info(page) | more)

    def _info(self, page: Page) -> dict[str, Any]:
        expires_at = self.position.expires_at if self.position else int(self.call.now) + page_tokens.LIFETIME
        scope, tokens = _scope(self.call, self.name), self.call.rules.page_tokens
        make, number = self.call.tokens.make, self.number
        following = before = None
        first, last = (self._kept(position) for position in (page.first, page.last))
        if tokens and page.more and last is not None:
            following = make(PagePosition(last, number + 1, False, expires_at), scope)
        if tokens and number > 1 and first is not None:
            before = make(PagePosition(first, number - 1, True, expires_at), scope)
        expiry = zoned(self.call.organisation.zone, expires_at) if following or before else None
        return {
            "per_page": self.size,
            "next_page_token": following,
            "count": page.count,
            "page": number,
            "previous_page_token": before,
            "page_token_expiry": expiry,
            "more_records": page.more,
        }

    def _kept(self, position: Position | None) -> Position | None:
        """What a token keeps of a position: a key only of an order that can go on behind it."""
        if position is None or self.order.field.api_name in SORTS:
            return position
        return Position(None, position.id)


def _position(call: Call, name: str) -> PagePosition | None:
    token = call.params.get("page_token")
    if token is None or not call.rules.page_tokens:
        return None
    if "page" in call.params:
        raise ambiguous("page", "page_token")
    return call.tokens.read(token, _scope(call, name), call.now)


def _scope(call: Call, name: str) -> bytes:
    return bound_to(call.organisation.id, call.caller.user, name, call.params)
