"""The first page: what needs attention."""

from moorage.console.visit import Page, Shown, Visit, get


async def show(visit: Visit) -> Shown:
    answer = await visit.control("GET", "/connections", {"limit": 10})
    return Shown("home.html", {"connections": answer.document["connections"]})


PAGES: tuple[Page, ...] = (get("", show),)
