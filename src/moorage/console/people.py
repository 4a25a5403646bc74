"""People: for owners, who signs in here; the programs that people let act; and the settings of the server."""

from collections.abc import Mapping
from typing import Any

from moorage.console.calls import Refused
from moorage.console.visit import Done, Page, Shown, Visit, get, post
from moorage.people.model import MEANINGS, Permission

MANAGES: Permission = "people:write"
GIVES: Permission = "grants:give"
SEES_SETTINGS: Permission = "settings:read"


def tabs_of(visit: Visit) -> Mapping[str, str]:
    """The pages of this section that the person may see."""
    tabs = {"/people": "People"} if visit.person.may(MANAGES) else {}
    programs = {"/grants": "Programs"} if visit.person.may(GIVES) else {}
    settings = {"/settings": "Settings"} if visit.person.may(SEES_SETTINGS) else {}
    return {"/me": "You", **tabs, **programs, **settings}


async def index(visit: Visit) -> Shown | Done:
    if not visit.person.may(MANAGES):
        return Done("/me")
    return await _list(visit)


async def _list(visit: Visit, typed: Mapping[str, str] | None = None, fault: Refused | None = None) -> Shown:
    answer = await visit.control("GET", "/people")
    values = {
        "people": answer.document["people"],
        "roles": MEANINGS,
        "typed": dict(typed or {}),
        "fault": fault and fault.told,
        "tabs": tabs_of(visit),
    }
    return Shown("people.html", values, 200 if fault is None else fault.status)


async def invite(visit: Visit) -> Shown:
    typed = {name: visit.form.get(name, "") for name in ("email", "name", "role")}
    try:
        answer = await visit.control("POST", "/people", body=typed)
    except Refused as refused:
        if refused.status not in {400, 409}:
            raise
        return await _list(visit, typed, refused)
    return _link(visit, answer.document)


async def one(visit: Visit) -> Shown:
    return await _one(visit)


async def _one(visit: Visit, fault: Refused | None = None, form: str = "") -> Shown:
    """A person; with what is wrong with one of the page's forms."""
    answer = await visit.control("GET", _path(visit))
    somebody = answer.document["person"]
    values = {
        "somebody": somebody,
        "is_you": somebody["id"] == visit.person.id,
        "roles": MEANINGS,
        "tabs": tabs_of(visit),
        "fault": fault and {**fault.told, "form": form},
    }
    return Shown("person.html", values, 200 if fault is None else fault.status)


async def change_role(visit: Visit) -> Shown | Done:
    try:
        answer = await visit.control("PATCH", _path(visit), body={"role": visit.form.get("role", "")})
    except Refused as refused:
        if refused.status not in {400, 409}:
            raise
        return await _one(visit, refused, "role")
    person = answer.document["person"]
    return Done("/people", f"{person['name']} is {person['role']} now.")


async def sign_out(visit: Visit) -> Done:
    answer = await visit.control("POST", f"{_path(visit)}/sign-out")
    return Done(_path(visit), f"{answer.document['person']['name']} is signed out everywhere.")


async def reset(visit: Visit) -> Shown:
    answer = await visit.control("POST", f"{_path(visit)}/reset")
    return _link(visit, answer.document)


async def remove(visit: Visit) -> Shown | Done:
    try:
        answer = await visit.control("DELETE", _path(visit))
    except Refused as refused:
        if refused.status != 409:
            raise
        return await _one(visit, refused, "remove")
    return Done("/people", f"{answer.document['person']['name']} is removed.")


def _link(visit: Visit, document: Mapping[str, Any]) -> Shown:
    """The page that shows a link to join, once."""
    values = {"somebody": document["person"], "link": document["link"], "tabs": tabs_of(visit)}
    return Shown("person_link.html", values)


def _path(visit: Visit) -> str:
    """The path of the person, which is the same in the console and in the API."""
    return f"/people/{visit.segment('person_id')}"


async def programs(visit: Visit) -> Shown:
    answer = await visit.control("GET", "/grants")
    values: dict[str, Any] = {**answer.document, "tabs": tabs_of(visit)}
    return Shown("programs.html", values)


async def end_program(visit: Visit) -> Done:
    await visit.control("POST", f"/grants/{visit.segment('grant_id')}/end")
    return Done("/grants", "The program may do nothing any more.")


async def settings(visit: Visit) -> Shown:
    found = (await visit.control("GET", "/settings")).document
    return Shown("settings.html", {**found, "tabs": tabs_of(visit)})


PAGES: tuple[Page, ...] = (
    get("/settings", settings),
    get("/people", index),
    post("/people", invite),
    get("/people/{person_id}", one),
    post("/people/{person_id}/role", change_role),
    post("/people/{person_id}/sign-out", sign_out),
    post("/people/{person_id}/reset", reset),
    post("/people/{person_id}/remove", remove),
    get("/grants", programs),
    post("/grants/{grant_id}/end", end_program),
)
