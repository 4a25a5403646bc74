"""What is done with several records at once: deleted, brought back, changed. Each tells what became of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from moorage.console.calls import Answer, Refused
from moorage.console.crm.fields import Field
from moorage.console.crm.lookups import users_of
from moorage.console.crm.place import Place, is_id, module_of, named, place_of
from moorage.console.crm.writing import MOST, Outcome, outcomes, values_of
from moorage.console.tables import cell_text
from moorage.console.visit import Page, Shown, Visit, post
from moorage.http.errors import ParameterInvalid

_MOST_CHOSEN = 500
_FORM = 64 * 1024  # Bytes.


async def ask(visit: Visit) -> Shown:
    """Asks before it happens, with the names of the records."""
    place = await place_of(visit)
    name, ids = module_of(visit), _ids(visit)
    module = await place.module(name)
    what = visit.form.get("what")
    values = {**place.values(), "module": named(module), "records": await _names(place, module, ids)}
    if what == "delete":
        return Shown("crm/delete.html", values)
    if what != "update":
        raise ParameterInvalid(f"{what!r:.60} is nothing to do with records.", help="Use delete or update.")
    return await _update_form(place, name, values, None, 200)


async def _update_form(
    place: Place, module: str, values: Mapping[str, Any], fault: str | None, status: int
) -> Shown:
    fields = await place.fields(module)
    field = _field(place.visit, fields)
    users = await users_of(place) if field and field.type in {"ownerlookup", "userlookup"} else []
    more = {
        "fields": [each.document() for each in fields.values() if each.in_updates],
        "field": {**field.document(), "options": [list(o) for o in field.options]} if field else None,
        "texts": place.visit.chosen("value"),
        "users": [{"id": identity, "full_name": name} for identity, name in users],
        "fault": fault,
    }
    return Shown("crm/update.html", {**values, **more}, status)


async def delete(visit: Visit) -> Shown:
    place = await place_of(visit)
    name, ids = module_of(visit), _ids(visit)

    async def some(part: Sequence[str]) -> Answer:
        return await place.write("DELETE", f"/{name}", {"ids": ",".join(part)})

    found = await _in_parts(ids, some, "data")
    gone = [outcome["id"] for outcome in found if outcome["done"]]
    return await _done(
        place, name, "Deleted", [{**outcome, "gone": outcome["done"]} for outcome in found], gone
    )


async def restore(visit: Visit) -> Shown:
    """Brings records back from the recycle bin."""
    place = await place_of(visit)
    name, ids = module_of(visit), _ids(visit)

    async def some(part: Sequence[str]) -> Answer:
        return await place.write("POST", "/settings/recycle_bin/actions/restore", None, {"ids": list(part)})

    found = await _in_parts(ids, some, "recycle_bin")
    return await _done(place, name, "Brought back", found, [])


async def update(visit: Visit) -> Shown:
    """Writes one value into one field of all records."""
    place = await place_of(visit)
    name, ids = module_of(visit), _ids(visit)
    field = _field(visit, await place.fields(name))
    if field is None:
        raise ParameterInvalid("This field can't be changed here.", help="Choose another field.")
    values, faults, _ = await values_of(place, [field], {field.name: visit.chosen("value")})
    if faults:
        module = await place.module(name)
        known = {**place.values(), "module": named(module), "records": await _names(place, module, ids)}
        return await _update_form(place, name, known, faults[field.name], 400)

    async def some(part: Sequence[str]) -> Answer:
        return await place.write(
            "PUT", f"/{name}", None, {"data": [{"id": identity, **values} for identity in part]}
        )

    return await _done(place, name, "Changed", await _in_parts(ids, some, "data"), [])


async def _in_parts(
    ids: Sequence[str], some: Callable[[Sequence[str]], Any], list_name: str
) -> list[dict[str, Any]]:
    """What became of each record. What the gateway refuses for the first part is an error of the whole."""
    found: list[dict[str, Any]] = []
    for start in range(0, len(ids), MOST):
        part = ids[start : start + MOST]
        try:
            answered: list[Outcome] = outcomes(await some(part), len(part), list_name)
        except Refused as refused:
            if not found:
                raise
            answered = [Outcome(False, refused.message)] * len(part)
        found += [
            {**outcome.document(), "id": identity} for identity, outcome in zip(part, answered, strict=True)
        ]
    return found


async def _done(place: Place, module: str, word: str, rows: list[dict[str, Any]], undo: list[str]) -> Shown:
    values = {
        **place.values(),
        "module": named(await place.module(module)),
        "word": word,
        "done": sum(row["done"] for row in rows),
        "rows": rows,
        "undo": undo,
    }
    return Shown("crm/done.html", values, 200 if values["done"] or not rows else 400)


def _ids(visit: Visit) -> list[str]:
    ids = [identity for identity in dict.fromkeys(visit.chosen("ids")) if is_id(identity)]
    if not ids:
        raise ParameterInvalid("No record is chosen.", help="Go back and choose one.")
    if len(ids) > _MOST_CHOSEN:
        raise ParameterInvalid(f"Up to {_MOST_CHOSEN} records can be chosen.", help="Choose fewer.")
    return ids


def _field(visit: Visit, fields: Mapping[str, Field]) -> Field | None:
    field = fields.get(visit.form.get("field", ""))
    return field if field is not None and field.in_updates else None


async def _names(place: Place, module: Mapping[str, Any], ids: Sequence[str]) -> list[dict[str, str]]:
    """The records by their names, of up to a hundred of them."""
    display = str(module.get("display_field") or "id")
    query = {"fields": display, "ids": ",".join(ids[:MOST]), "per_page": MOST}
    answer = await place.read(f"/{module['api_name']}", query, keeps_errors=True)
    found = (answer.document or {}).get("data") or () if answer.status == 200 else ()
    names = {record["id"]: cell_text(record.get(display)) for record in found}
    return [{"id": identity, "name": names.get(identity) or identity} for identity in ids]


PAGES: tuple[Page, ...] = (
    post("/crm/{connection}/{module}/selected", ask, most=_FORM),
    post("/crm/{connection}/{module}/selected/delete", delete, most=_FORM),
    post("/crm/{connection}/{module}/selected/restore", restore, most=_FORM),
    post("/crm/{connection}/{module}/selected/update", update, most=_FORM),
)
