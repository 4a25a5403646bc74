"""The timeline of a record: what has happened to it, and who did it [Z timeline]."""

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import msgspec

from moorage.crm.api.records.timeline_filters import SOURCE, TimelineFilter, Told, timeline_filter
from moorage.crm.faults import related_id_invalid
from moorage.crm.metadata.catalog import Field, Module
from moorage.crm.metadata.shown import shape
from moorage.crm.metadata.times import instant, zoned
from moorage.crm.records.access import readable
from moorage.crm.records.outcomes import user_details
from moorage.crm.records.reading import descends, record_id, reference_to
from moorage.crm.records.timeline import KIND, histories_of, owner_of
from moorage.crm.storage.contract.companions import Companion, CompanionsOf
from moorage.crm.storage.contract.records import Position, Window
from moorage.crm.wire import page_tokens
from moorage.crm.wire.call import Call, answer, no_content, settled
from moorage.crm.wire.page_tokens import PagePosition, bound_to
from moorage.crm.wire.parameters import not_one_of, page_and_size
from moorage.crm.wire.routing import Route
from moorage.http.message import Response

INNER = (
    "field_history.data_type",
    "field_history.field_label",
    "field_history.enable_colour_code",
    "field_history.pick_list_values",
    "done_by.profile",
    "done_by.type__s",
)
INCLUDED = ("extension", "type")
PART = 200  # Companions that are read at once.


async def list_timeline(call: Call) -> Response:
    module, record = readable(call), record_id(call)
    chosen = timeline_filter(call.params.get("filters"))
    if call.params.get("sort_by", "audited_time") != "audited_time":
        raise not_one_of("sort_by", ["audited_time"])
    newest_first = descends(call.params.get("sort_order", "desc"))
    inner, included = _names(call, "include_inner_details", INNER), _names(call, "include", INCLUDED)
    page, size, latest = _page(call, module, record)
    entries = await _Entries(call, module, record, inner, included, chosen).page(
        page, size, newest_first=newest_first, latest=latest
    )
    more, shown = len(entries) > size, entries[:size]
    if not shown:
        return no_content()
    if newest_first and page == 1 and latest is None:
        latest = int(shown[0]["id"])
    token = partial(_token, call, module, record, latest)
    info = {
        "per_page": size,
        "next_page_token": token(page + 1) if more else None,
        "count": len(shown),
        "previous_page_token": token(page - 1) if page > 1 else None,
        "more_records": more,
    }
    return answer({"__timeline": shown, "info": info})


def _names(call: Call, param: str, allowed: Collection[str]) -> set[str]:
    names = {name.strip() for name in call.params.get(param, "").split(",") if name.strip()}
    if names - set(allowed):
        raise not_one_of(param, allowed)
    return names


def _page(call: Call, module: Module, record: int) -> tuple[int, int, int | None]:
    """The number of the page, its size, and the id of the latest entry that the first page had."""
    page, size = page_and_size(call.params)
    token = call.params.get("page_token")
    if token is None:
        return page, size, None
    position = call.tokens.read(token, _scope(call, module, record), call.now)
    return position.number, size, position.position.key


def _token(call: Call, module: Module, record: int, latest: int | None, page: int) -> str:
    """Pages are numbered, so a token names the latest entry, too: what happens meanwhile moves no entry."""
    expires_at = int(call.now) + page_tokens.LIFETIME
    position = PagePosition(Position(latest, record), page, False, expires_at)
    return call.tokens.make(position, _scope(call, module, record))


def _scope(call: Call, module: Module, record: int) -> bytes:
    list_of_record = f"{module.api_name} {record} timeline"
    return bound_to(call.organisation.id, call.caller.user, list_of_record, call.params)


class _Entries:
    """The entries of one record, as they are shown. The oldest is that it was made, which the record itself tells."""

    def __init__(
        self,
        call: Call,
        module: Module,
        record: int,
        inner: Collection[str],
        included: Collection[str],
        chosen: TimelineFilter,
    ) -> None:
        self._call = call
        self._module = module
        self._record = record
        self._inner = inner
        self._included = included
        self._chosen = chosen
        self._named: dict[tuple[int, int], str | None] = {}

    async def page(
        self, page: int, size: int, *, newest_first: bool, latest: int | None
    ) -> list[dict[str, Any]]:
        """The entries of a page, and one more if others follow. Those behind the entry `latest` are left out."""
        reference = await reference_to(self._call, self._module, self._record)
        if reference is None:
            raise related_id_invalid()
        start = (page - 1) * size
        found, is_all = await self._found(start + size + 1, newest_first=newest_first, latest=latest)
        entries: list[tuple[Companion, list[Any] | None] | None] = list(found)
        creation = await self._creation(reference) if not newest_first or is_all else None
        if creation is not None:
            entries.insert(0 if not newest_first else len(entries), None)
        chosen = entries[start : start + size + 1]
        return [entry for e in chosen if (entry := await self._shown(*e, reference) if e else creation)]

    async def _found(
        self, wanted: int, *, newest_first: bool, latest: int | None
    ) -> tuple[list[tuple[Companion, list[Any] | None]], bool]:
        """As many of the written entries, and whether these are all. Those of other records lie between them."""
        which = CompanionsOf(KIND, owner=owner_of(self._record), newest_first=newest_first)
        found: list[tuple[Companion, list[Any] | None]] = []
        start, more = 0, True
        while more and len(found) < wanted:
            part = await settled(self._call.store.companions(which, Window(PART, start)))
            for entry in part.companions:
                if latest is not None and entry.id > latest:
                    continue
                histories = histories_of(entry, self._record)
                found += [(entry, history) for history in histories if self._passes(entry, history)]
            start, more = start + PART, part.more
        return found, not more

    def _passes(self, entry: Companion, history: list[Any] | None) -> bool:
        action, user, time, _ = entry.body
        names = [name for name, *_ in history or ()]
        return self._chosen.passes(Told(action, user, time, names))

    async def _creation(self, reference: dict[str, Any]) -> dict[str, Any] | None:
        """None if the filter does not let it through."""
        names = [name for name in ("Created_Time", "Created_By") if name in self._module.fields]
        data = await settled(self._call.store.record(self._module, shape(self._module, names), self._record))
        made = msgspec.json.decode(data or b"{}")
        done_by = int(made["Created_By"]["id"]) if made.get("Created_By") else None
        time = made.get("Created_Time")
        if not self._chosen.passes(Told("added", done_by, instant(time) if time else None)):
            return None
        return self._entry(str(self._record), "added", time, done_by, reference)

    async def _shown(
        self, entry: Companion, history: list[Any] | None, reference: dict[str, Any]
    ) -> dict[str, Any]:
        action, user, time, _ = entry.body
        audited = zoned(self._call.organisation.zone, time)
        shown = self._entry(str(entry.id), action, audited, user, reference)
        if history is not None:
            changed = [await self._changed(*values) for values in history]
            shown["field_history"] = [values for values in changed if values is not None]
        return shown

    def _entry(
        self, number: str, action: str, time: str | None, user: int | None, reference: dict[str, Any]
    ) -> dict[str, Any]:
        return {
            "id": number,
            "action": action,
            "audited_time": time,
            "source": SOURCE,
            "record": reference,
            "related_record": None,
            "done_by": self._done_by(user),
            "automation_details": None,
            "field_history": None,
            **dict.fromkeys(sorted(self._included)),
        }

    def _done_by(self, user: int | None) -> dict[str, Any] | None:
        person: dict[str, Any] | None = user_details(self._call.organisation, user)
        document = None if user is None else self._call.organisation.metadata.find("user", user)
        if person is None or document is None:
            return None
        if "done_by.profile" in self._inner:
            person["profile"] = document.body["profile"]
        if "done_by.type__s" in self._inner:
            person["type__s"] = document.body.get("type__s")
        return person

    async def _changed(self, name: str, old: Any, new: Any) -> dict[str, Any] | None:
        field = self._module.fields.get(name)
        if field is None:  # It was removed since.
            return None
        values = {"new": await self._text(field, new), "old": await self._text(field, old)}
        shown: dict[str, Any] = {"id": str(field.id), "api_name": name, "_value": values}
        document = self._call.organisation.metadata.find("field", field.id)
        body = document.body if document is not None else {}
        for detail in ("data_type", "field_label", "enable_colour_code", "pick_list_values"):
            if f"field_history.{detail}" in self._inner:
                shown[detail] = body.get(detail)
        return shown

    async def _text(self, field: Field, value: Any) -> str | None:
        if value is None:
            return None
        match field.storage:
            case "boolean":
                return "true" if value else "false"
            case "datetime":
                return zoned(self._call.organisation.zone, value)
            case "user":
                person = user_details(self._call.organisation, value)
                return person["name"] if person else str(value)
            case "lookup":
                return await self._name(field, value)
            case "list" | "tags":
                return _listed(value)
            case _:
                return str(value)

    async def _name(self, field: Field, value: Any) -> str:
        """The name that a record has now; its id if it is gone."""
        record, number = value if isinstance(value, list) else (value, None)
        targets: Sequence[Module] = self._call.organisation.catalog.targets_of(field)
        target = next((module for module in targets if number in (None, module.number)), None)
        if target is None:
            return str(record)
        key = target.number, record
        if key not in self._named:
            reference = await reference_to(self._call, target, record)
            self._named[key] = reference["name"] if reference else None
        return self._named[key] or str(record)


def _listed(text: str) -> str:
    """The values of a list, or the names of tags."""
    try:
        values = msgspec.json.decode(text)
    except ValueError:  # It was too long to be kept as a whole.
        return text
    return ",".join(str(value["name"] if isinstance(value, dict) else value) for value in values)


ROUTES = (
    Route("GET", "/crm/v8/{module}/{id}/__timeline", list_timeline, ("ZohoCRM.modules.{module}.READ",)),
)
