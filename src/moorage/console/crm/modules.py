"""The organisations that can be looked into, and the modules of one of them."""

import asyncio
from typing import Any

from moorage.console.crm.place import Place, place_of
from moorage.console.places import APP
from moorage.console.visit import Page, Shown, Visit, get

_MOST = 100  # Connections on the page.
_AT_ONCE = 5  # Calls for counts.
_GROUPS = {"default": "Modules", "custom": "Your own modules"}


async def index(visit: Visit) -> Shown:
    query = {"app": APP, "status": "ACTIVE", "limit": _MOST}
    found = (await visit.control("GET", "/connections", query)).document["connections"]
    return Shown("crm/index.html", {"connections": found})


async def modules(visit: Visit) -> Shown:
    place = await place_of(visit)
    found = (await place.described("/settings/modules")).get("modules") or ()
    readable = [module for module in found if module.get("api_supported") and module.get("viewable", True)]
    counts: dict[str, int] = {}
    # Each count is a call, which a live organisation has only so many of.
    if not place.is_live or visit.query.get("counts") == "1":
        counts = await _counts(place, [module["api_name"] for module in readable if _is_main(module)])
    groups: dict[str, list[dict[str, Any]]] = {}
    for module in readable:
        name = _GROUPS.get(module.get("generated_type"), "Others") if _is_main(module) else "Others"
        groups.setdefault(name, []).append(_entry(module, counts))
    groups = {name: groups[name] for name in (*_GROUPS.values(), "Others") if name in groups}
    return Shown("crm/modules.html", {**place.values(), "groups": groups, "counted": bool(counts)})


def _is_main(module: dict[str, Any]) -> bool:
    return bool(module.get("show_as_tab")) and module.get("generated_type") in _GROUPS


def _entry(module: dict[str, Any], counts: dict[str, int]) -> dict[str, Any]:
    name = module["api_name"]
    return {"api_name": name, "plural_label": module.get("plural_label") or name, "count": counts.get(name)}


async def _counts(place: Place, names: list[str]) -> dict[str, int]:
    turn = asyncio.Semaphore(_AT_ONCE)

    async def count(name: str) -> int | None:
        async with turn:
            answer = await place.read(f"/{name}/actions/count", keeps_errors=True)
        found = (answer.document or {}).get("count") if answer.status == 200 else None
        return None if found is None else int(found)

    counted = await asyncio.gather(*map(count, names))
    return {name: number for name, number in zip(names, counted, strict=True) if number is not None}


PAGES: tuple[Page, ...] = (get("/crm", index), get("/crm/{connection}", modules))
