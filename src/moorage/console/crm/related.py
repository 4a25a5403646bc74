"""What belongs to a record: its related lists, its notes and attachments, and its timeline."""

from collections.abc import Mapping, Sequence
from typing import Any

from moorage.console.crm.fields import Field
from moorage.console.crm.place import Place, is_name
from moorage.console.crm.views import default_columns
from moorage.console.crm.writing import words_of

_ROWS = 20
_EVENTS = 50  # Of a timeline.
_COLUMNS = 6
_NOTES = ("Note_Title", "Note_Content", "Created_Time", "Modified_Time", "Created_By")
_ATTACHMENTS = ("File_Name", "Size", "Created_Time", "Created_By")
_FIRST = ("Notes", "Attachments")


async def lists_of(place: Place, module: str) -> list[dict[str, Any]]:
    """The related lists of a module, notes and attachments first."""
    found = (await place.described("/settings/related_lists", {"module": module})).get("related_lists") or ()
    lists = [
        {
            "api_name": each["api_name"],
            "label": each.get("display_label") or each.get("name") or each["api_name"],
            "module": (each.get("module") or {}).get("api_name"),
        }
        for each in found
        if each.get("status", "visible") == "visible" and is_name(str(each.get("api_name")))
    ]
    return sorted(lists, key=lambda each: each["api_name"] not in _FIRST)


async def tab_of(
    place: Place, module: str, identity: str, tab: str, lists: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """A part of what belongs to a record, by pages."""
    page = place.visit.query.get("page", "1")
    number = max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 4 else 1
    if tab == "timeline":
        return await _read(place, f"/{module}/{identity}/__timeline", {"per_page": _EVENTS}, number)
    columns, target = await _columns(place, tab, lists)
    query = {"fields": ",".join(columns) or "id", "per_page": _ROWS}
    part = await _read(place, f"/{module}/{identity}/{tab}", query, number)
    if not columns:  # Of some lists nothing tells the fields before they are read.
        columns = {key: _plain(key) for record in part["records"][:1] for key in list(record)[:_COLUMNS]}
    return {**part, "columns": [field.document() for field in columns.values()], "target": target}


async def _columns(
    place: Place, tab: str, lists: Sequence[Mapping[str, Any]]
) -> tuple[dict[str, Field], str | None]:
    own = {"Notes": _NOTES, "Attachments": _ATTACHMENTS}.get(tab)
    if own is not None:
        return {name: _plain(name) for name in own}, None
    target = next(each["module"] for each in lists if each["api_name"] == tab)
    if target is None or not is_name(target):
        return {}, None
    fields = await place.fields(target)
    custom = (await place.module(target)).get("custom_view") or {}
    shown = [column["api_name"] for column in custom.get("fields") or () if isinstance(column, dict)]
    names = default_columns(shown, fields)[:_COLUMNS]
    return {name: fields[name] for name in names}, target


def _plain(name: str) -> Field:
    return Field(name, name.replace("_", " "), "text", None, (), None, False, False, True)


async def _read(place: Place, path: str, query: Mapping[str, Any], page: int) -> dict[str, Any]:
    """A page of a list. `next` and `previous` are None if there is no such page."""
    token = place.visit.query.get("token")
    at = {"page_token": token} if token else {"page": page}
    answer = await place.read(path, {**query, **at}, keeps_errors=True)
    document = answer.document or {}
    if answer.status >= 400:
        fault = words_of(document) if "error" not in document else str(document["error"].get("message"))
        return {"records": [], "fault": fault, "next": None, "previous": None}
    name, info = path.rpartition("/")[2], document.get("info") or {}
    return {
        "records": document.get("data") or document.get(name) or [],
        "fault": None,
        "next": _place(info, "next", page + 1) if info.get("more_records") else None,
        "previous": _place(info, "previous", page - 1) if page > 1 else None,
    }


def _place(info: Mapping[str, Any], which: str, page: int) -> dict[str, Any]:
    """Where a page is found. A token finds it also beyond Zoho's limit, and when something was added meanwhile."""
    return {"page": page, "token": info.get(f"{which}_page_token")}
