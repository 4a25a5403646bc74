"""`/enter`: the page of a link by which somebody at this machine signs in with one click."""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from moorage.http import forms
from moorage.http.control import route
from moorage.loopback import is_loopback
from moorage.people.entrance import Entrance
from moorage.people.entry import Entries, suggested_name
from moorage.people.errors import EntryInvalid, PersonInvalid
from moorage.people.frame import page_for_unknown
from moorage.people.model import LONGEST_NAME, Person
from moorage.people.sessions import PersonSessions, client_of

PATH = "/enter"
_ON = "./console"


def routes(entries: Entries, entrance: Entrance) -> list[Route]:
    pages = _EntryPages(entries, entrance, entrance.sessions)
    return [route(PATH, GET=pages.ask, POST=pages.enter)]


class _EntryPages(msgspec.Struct, frozen=True):
    entries: Entries
    entrance: Entrance
    sessions: PersonSessions

    async def ask(self, request: Request) -> Response:
        """To look at a link does not use it, as programs do that look at links for people."""
        _require_here(request)
        token = forms.fields(request.scope["query_string"]).get("token", "")
        return self._page(request, token, await self.entries.asked(token))

    async def enter(self, request: Request) -> Response:
        _require_here(request)
        form = await self.sessions.own_form(request)
        token, name = form.get("token", ""), form.get("name", "")
        try:
            person = await self.entries.enter(token, name)
        except PersonInvalid as error:
            note = f"{error.message} {error.help}"
            return self._page(request, token, await self.entries.asked(token), name, note, 400)
        return await self.entrance.let_in(request, person, _ON)

    def _page(
        self,
        request: Request,
        token: str,
        person: Person | None,
        name: str | None = None,
        note: str = "",
        status: int = 200,
    ) -> Response:
        shown_name = suggested_name() if name is None else name[:LONGEST_NAME]
        shown = {"token": token, "who": person, "name": shown_name, "note": note}
        return page_for_unknown(self.sessions, request, "enter.html", status, **shown)


def _require_here(request: Request) -> None:
    """Raises EntryInvalid for a browser on another machine, also behind a proxy on this one that says so."""
    if not is_loopback(client_of(request)):
        raise EntryInvalid
