"""Forms for a new record and for changes of one, and the change of one cell of the grid.

Only what a person has changed is written, so that two people can change two fields at the same time. Whoever changes a
field that somebody else has changed meanwhile is shown that first.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.responses import Response

from moorage.console.calls import Refused
from moorage.console.crm.fields import USERS, Field, typed
from moorage.console.crm.layouts import Layout, layout_for, layouts_of
from moorage.console.crm.lookups import Choices, found_by, users_of
from moorage.console.crm.place import Place, is_name, module_of, place_of, record_of
from moorage.console.crm.record import heading, record_in
from moorage.console.crm.writing import refused_words, values_of, written
from moorage.console.tables import cell_text
from moorage.console.visit import Done, Page, Shown, Visit, get, post
from moorage.http.control import json_response
from moorage.http.errors import NotFound

_MOST = 512 * 1024  # Bytes of a form: a few texts of 32,000 characters, percent-encoded.
_BEFORE = "was__"  # Fields of the form with what was typed in before.


async def new(visit: Visit) -> Shown:
    place = await place_of(visit)
    name = module_of(visit)
    return await _new(place, name, {}, {}, 200)


async def make(visit: Visit) -> Shown | Done:
    place = await place_of(visit)
    name = module_of(visit)
    layouts = await layouts_of(place, name)
    layout = layout_for(layouts, visit.form.get("layout"))
    texts = {field: visit.chosen(field) for field in layout.fields}
    asked = [field for field in layout.fields.values() if field.in_new and "".join(texts[field.name]).strip()]
    values, faults, _ = await values_of(place, asked, texts)
    # An empty box says no, as the field does without it.
    values = {field: value for field, value in values.items() if value is not False}
    if len(layouts) > 1:
        values["Layout"] = {"id": layout.id}
    if not faults:
        try:
            outcome = await written(place, "POST", f"/{name}", values)
        except Refused as refused:
            return await _new(place, name, texts, {"": refused_words(refused)}, refused.status)
        if outcome.done:
            return Done(f"/crm/{place.id}/{name}/{outcome.id}", "The record is made.")
        faults = {outcome.field or "": outcome.words}
    return await _new(place, name, texts, faults, 400)


async def _new(
    place: Place, name: str, texts: Mapping[str, Sequence[str]], faults: Mapping[str, str], status: int
) -> Shown:
    module, layouts, users = await asyncio.gather(
        place.module(name), layouts_of(place, name), users_of(place)
    )
    asked = place.visit.form.get("layout") or place.visit.query.get("layout")
    layout = layout_for(layouts, asked)
    sections = _sections(layout, texts, {}, is_new=True)
    values = {
        **heading(place, module, {}),
        **_form_values(sections, faults, users),
        "layout": layout.id,
        "layouts": [{"id": each.id, "name": each.name} for each in layouts],
    }
    return Shown("crm/new.html", values, status)


async def edit(visit: Visit) -> Shown:
    place = await place_of(visit)
    return await _edit(place, module_of(visit), record_of(visit), {}, {}, 200)


async def change(visit: Visit) -> Shown | Done:
    place = await place_of(visit)
    name, identity = module_of(visit), record_of(visit)
    layouts, record = await asyncio.gather(layouts_of(place, name), record_in(place, name, identity))
    changed = _changed(visit, layout_for(layouts, visit.form.get("layout")))
    if not changed:
        return Done(f"/crm/{place.id}/{name}/{identity}", "Nothing was changed.")
    texts = {field.name: visit.chosen(field.name) for field in changed}
    values, faults, _ = await values_of(place, changed, texts)
    overtaken = _overtaken(visit, changed, record)
    if not faults and not overtaken:
        try:
            outcome = await written(place, "PUT", f"/{name}/{identity}", values)
        except Refused as refused:
            return await _edit(place, name, identity, texts, {"": refused_words(refused)}, refused.status)
        if outcome.done:
            labels = ", ".join(field.label for field in changed)
            return Done(f"/crm/{place.id}/{name}/{identity}", f"Changed: {labels}."[:200])
        faults = {outcome.field or "": outcome.words}
    return await _edit(place, name, identity, texts, overtaken | faults, 400 if faults else 409)


def _changed(visit: Visit, layout: Layout) -> list[Field]:
    """The fields that the form has other than they were when it was shown."""
    return [
        field
        for field in layout.fields.values()
        if field.in_updates
        and (field.name in visit.form or field.type == "multiselectpicklist")
        and _lines(";".join(visit.chosen(field.name))) != _lines(_was(visit, field))
    ]


def _overtaken(visit: Visit, changed: Sequence[Field], record: Mapping[str, Any]) -> dict[str, str]:
    """What to say at fields that somebody else has changed since the form was shown."""
    now = {field.name: _before(field, record.get(field.name)) for field in changed}
    return {
        field.name: _overtaken_words(now[field.name])
        for field in changed
        if _lines(now[field.name])
        not in {_lines(_was(visit, field)), _lines(";".join(visit.chosen(field.name)))}
    }


def _overtaken_words(now: str) -> str:
    found = f"It is {now[:200]!r} now" if now else "It is empty now"
    return f"Somebody else has changed this meanwhile. {found}; save again to write yours."


async def _edit(
    place: Place,
    name: str,
    identity: str,
    texts: Mapping[str, Sequence[str]],
    faults: Mapping[str, str],
    status: int,
) -> Shown:
    module, layouts, users, record = await asyncio.gather(
        place.module(name), layouts_of(place, name), users_of(place), record_in(place, name, identity)
    )
    layout = layout_for(layouts, (record.get("Layout") or {}).get("id"))
    sections = _sections(layout, texts, record, is_new=False)
    values = {
        **heading(place, module, record),
        **_form_values(sections, faults, users),
        "layout": layout.id,
    }
    return Shown("crm/edit.html", values, status)


def _was(visit: Visit, field: Field) -> str:
    return visit.form.get(f"{_BEFORE}{field.name}", "")


def _lines(text: str) -> str:
    """Browsers send line breaks as two characters."""
    return text.replace("\r\n", "\n").strip()


def _form_values(sections: list[dict[str, Any]], faults: Mapping[str, str], users: Choices) -> dict[str, Any]:
    """Values of the template. A fault at a field that the form has not is shown above it."""
    here = {field["api_name"] for section in sections for field in section["fields"]}
    return {
        "groups": sections,
        "faults": {name: words for name, words in faults.items() if name in here},
        "fault": "; ".join(words for name, words in faults.items() if name not in here),
        "users": [{"id": identity, "full_name": name} for identity, name in users],
    }


def _sections(
    layout: Layout, texts: Mapping[str, Sequence[str]], record: Mapping[str, Any], *, is_new: bool
) -> list[dict[str, Any]]:
    found = []
    for title, fields in layout.sections:
        open_fields = [field for field in fields if (field.in_new if is_new else field.in_updates)]
        if not open_fields:
            continue
        entries = []
        for field in open_fields:
            before = _before(field, record.get(field.name))
            entry = {**field.document(), "options": [list(option) for option in field.options]}
            entry |= {"before": before, "texts": list(texts.get(field.name, [before]))}
            entries.append({**entry, "required": field.name in layout.required})
        found.append({"title": title, "fields": entries})
    return found


def _before(field: Field, value: Any) -> str:
    """What a form has for the value of a record. A lookup is named, and known by its id."""
    if field.type == "lookup" and isinstance(value, dict):
        return cell_text(value)
    return typed(value)


async def cell(visit: Visit) -> Response:
    """Change one field of one record, for the grid: answers with its new value, or with what is wrong.

    The form has what the grid has shown, as JSON in `was`. If the field is other than that, nothing is written, and the
    answer has the value that it has.
    """
    place = await place_of(visit)
    module, identity = module_of(visit), record_of(visit)
    field = (await place.fields(module)).get(visit.form.get("field", ""))
    if field is None or not field.in_updates:
        return _wrong(400, "This field can't be changed here.")
    try:
        values, faults, choices = await values_of(place, [field], {field.name: visit.chosen("value")})
        if faults:
            return _wrong(400, faults[field.name], choices.get(field.name))
        now = await _value(place, module, identity, field)
        if not _is_as_shown(visit, now):
            return json_response({"message": _overtaken_words(cell_text(now)), "value": now}, 409)
        outcome = await written(place, "PUT", f"/{module}/{identity}", values)
    except Refused as refused:
        return _wrong(refused.status, refused_words(refused))
    if not outcome.done:
        return _wrong(400, outcome.words)
    return json_response({"field": field.name, "value": await _value(place, module, identity, field)})


async def _value(place: Place, module: str, identity: str, field: Field) -> Any:
    answer = await place.read(f"/{module}/{identity}", {"fields": field.name})
    return ((answer.document or {}).get("data") or [{}])[0].get(field.name)


def _is_as_shown(visit: Visit, now: Any) -> bool:
    """Whether a field has the value that the grid has shown. Scripts know no whole numbers, only numbers."""
    if "was" not in visit.form:
        return True
    try:
        return bool(
            json.loads(visit.form["was"], parse_int=float) == json.loads(json.dumps(now), parse_int=float)
        )
    except (ValueError, RecursionError):
        return False


def _wrong(status: int, message: str, choices: Choices | None = None) -> Response:
    found = [{"id": identity, "name": name} for identity, name in choices or ()]
    return json_response({"message": message, "choices": found}, status)


async def choices(visit: Visit) -> Response:
    """What a field that leads to a record can be, by words: for the grid and for forms."""
    place = await place_of(visit)
    name = visit.query.get("field", "")
    field = (await place.fields(module_of(visit))).get(name) if is_name(name) else None
    if field is None or field.type not in {"lookup", *USERS}:
        raise NotFound("There is no such lookup.", help="Name a field that leads to a record.")
    if field.type in USERS:
        found = await users_of(place)
    else:
        found = await found_by(place, str(field.target), visit.query.get("q", ""))
    return json_response({"choices": [{"id": identity, "name": name} for identity, name in found]})


PAGES: tuple[Page, ...] = (
    get("/crm/{connection}/{module}/choices", choices),
    get("/crm/{connection}/{module}/new", new),
    post("/crm/{connection}/{module}/new", make, most=_MOST),
    get("/crm/{connection}/{module}/{record}/edit", edit),
    post("/crm/{connection}/{module}/{record}/edit", change, most=_MOST),
    post("/crm/{connection}/{module}/{record}/cell", cell, most=_MOST),
)
