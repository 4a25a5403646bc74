"""The apps: what each can, and whether the operator has set an OAuth client for it."""

from collections.abc import Mapping
from typing import Any

from moorage.console.calls import Refused
from moorage.console.connections import app_of, apps_of, without_link
from moorage.console.visit import Page, Shown, Visit, get


async def index(visit: Visit) -> Shown:
    asked = visit.query.get("q", "").strip()
    found = [
        one for one in await apps_of(visit) if asked.casefold() in f"{one['app']} {one['title']}".casefold()
    ]
    return Shown("apps.html", {"apps": found, "q": asked})


async def show(visit: Visit) -> Shown:
    name = visit.of_path("app")
    about = await app_of(visit, name)
    if about is None:
        raise Refused(404, "app_unknown", "There is no such app.", "The page Apps has all of them.")
    answer = await visit.control("GET", "/connections", {"app": name, "limit": 200})
    connections = list(map(without_link, answer.document["connections"]))
    return Shown("app.html", {"app": about, "connections": connections, "steps": _steps(about)})


def _steps(app: Mapping[str, Any]) -> dict[str, str] | None:
    """The command that sets an OAuth client; None for an app that needs none."""
    if app["client"] is None:
        return None
    sharing = "" if app["client"] == app["app"] else f" One client, {app['client']}, serves several apps."
    return {"command": f"moorage client set {app['app']}", "remark": sharing.strip()}


PAGES: tuple[Page, ...] = (
    get("/apps", index, "connections:read"),
    get("/apps/{app}", show, "connections:read"),
)
