"""What all pages of the console have around them: the sections, where calls go, and the rules for browsers."""

import asyncio
import json
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.responses import HTMLResponse, Response

from moorage.console.filters import FILTERS
from moorage.console.places import default_id
from moorage.console.visit import VALUES, Shown, Visit
from moorage.http.control import json_response
from moorage.people.sessions import up
from moorage.web.pages import Pages, named_headers

# Elements of ours make their children themselves, so a new page that is morphed into the old one leaves them alone.
_ELEMENTS = (
    "m-copy",
    "m-countdown",
    "m-grid",
    "m-history",
    "m-palette",
    "m-tail",
    "m-theme",
)
_SOURCES = (
    "script-src 'self' 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; connect-src 'self';"
    " require-trusted-types-for 'script'; trusted-types htmx moorage"
)
_HTMX = json.dumps(
    {"extensions": "hx-csp", "includeIndicatorCSS": False, "morphSkipChildren": ",".join(_ELEMENTS)},
    separators=(",", ":"),
)
PAGES = Pages("moorage.console", "Moorage", FILTERS)


class Section(msgspec.Struct, frozen=True):
    """An entry of the navigation. `key` is the letter that leads there after `g`."""

    path: str
    title: str
    key: str
    needs: str | None = None


SECTIONS = (
    Section("", "Home", "h"),
    Section("/connections", "Connections", "c", "connections:read"),
    Section("/requests", "Requests", "r", "requests:read"),
    Section("/crm", "CRM", "m", VALUES),
    Section("/approvals", "Approvals", "a", "approvals:read"),
    Section("/keys", "Keys", "k", "keys:read"),
    Section("/query", "Query", "q", VALUES),
    Section("/lab", "Lab", "l", "organisations:write"),
    Section("/limits", "Limits", "i", "connections:read"),
    Section("/apps", "Apps", "p", "connections:read"),
    Section("/audit", "Audit", "u", "audit:read"),
    Section("/people", "People", "e"),
)


def sections_of(visit: Visit) -> list[Section]:
    """The sections that the person's role may see."""
    return [section for section in SECTIONS if section.needs is None or visit.may(section.needs)]


async def rendered(visit: Visit, shown: Shown, form_token: str, note: str = "") -> Response:
    """The page, or its JSON twin."""
    if wants_json(visit.query):
        return json_response(shown.values, shown.status)
    nonce = secrets.token_urlsafe(18)
    root = up(visit.request)
    path = visit.request.url.path.removeprefix("/console")
    sections = sections_of(visit)
    place, waiting = await asyncio.gather(_place(visit), _waiting(visit))
    html = PAGES.render(
        shown.template,
        **shown.values,
        root=root,
        nonce=nonce,
        person=visit.person,
        visit=visit,
        sections=sections,
        section=next((one for one in reversed(sections) if _is_within(path, one.path)), None),
        place=place,
        calls_waiting=waiting,
        form_token=form_token,
        note=note,
        twin=_twin(visit),
        htmx=_HTMX,
    )
    return HTMLResponse(html, shown.status, page_headers(nonce))


def page_headers(nonce: str) -> dict[str, str]:
    return named_headers(sources=_SOURCES.format(nonce=nonce))


def wants_json(query: Mapping[str, str]) -> bool:
    return query.get("format") == "json"


def _is_within(path: str, section: str) -> bool:
    return path == section or path.startswith(f"{section}/") if section else path in {"", "/"}


def _twin(visit: Visit) -> str:
    """The address of the JSON twin of this page."""
    query = visit.request.url.include_query_params(format="json").query
    return f"?{query}"


async def _place(visit: Visit) -> Mapping[str, Any] | None:
    """The default connection, where a call goes that names none; None if there is none or the person may see none."""
    identity = await default_id(visit)
    found = identity and await visit.optional(f"/connections/{identity}")
    return found["connection"] if found else None


async def _waiting(visit: Visit) -> int:
    """How many calls wait for a person; 0 if this one may not know."""
    found = await visit.optional("/approvals", {"state": "waiting", "limit": 1}, "approvals:read")
    return found["waiting"] if found else 0
