"""`/oauth/authorize`: the page on which a person lets a program act. It is plain HTML, and works without scripts.

Nothing is stored between its steps: the form has the whole request of the program, which is checked again. So going
back, a second tab or a second click can't mix up two requests. Each grant is asked for anew.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from moorage.clock import Clock
from moorage.connections.model import Connection
from moorage.errors import MoorageError
from moorage.grants import redirects
from moorage.grants.authorization import Authorization, query_of, read
from moorage.grants.clients import Clients
from moorage.grants.errors import NothingChosen
from moorage.grants.metadata import AUTHORIZE
from moorage.grants.model import DEFAULT_APP, ON_CONNECTIONS, scopes_of
from moorage.grants.resources import Resource, Resources
from moorage.grants.service import Grants, Leave
from moorage.http import forms
from moorage.http.errors import quoted
from moorage.http.message import Response as Plain
from moorage.people.model import Permission, Person
from moorage.people.sessions import PersonSessions
from moorage.policies.model import Mode
from moorage.web.pages import ANYWHERE, Pages, named_headers

GIVE: Permission = "grants:give"
ENDLESS = "endless"
# How long a grant may last. The first is offered first.
TIMES = {"30": "30 days", "1": "a day", "90": "90 days", ENDLESS: "until somebody ends it"}
# What the modes of a policy mean for a program. The first is offered first.
MODES: dict[Mode, str] = {
    "readonly": "It reads, and changes nothing.",
    "cautious": "It reads and writes. Before it takes something away, a person is asked.",
    "strict": "It reads. Before each change, a person is asked.",
    "open": "It does everything without asking.",
}
PAGES = Pages("moorage.grants", "Moorage")

# The connections of an account that can be used.
Connections = Callable[[str], Awaitable[Sequence[Connection]]]


class ConsentPage(msgspec.Struct, frozen=True):
    grants: Grants
    clients: Clients
    resources: Resources
    connections: Connections
    sessions: PersonSessions
    clock: Clock

    async def show(self, request: Request) -> Response:
        pairs = forms.pairs(request.scope["query_string"])
        query, person = query_of(pairs), await self.sessions.person(request)
        if person is None:
            # Programs are looked up only for people: a look-up may ask a server elsewhere.
            return self.sessions.to_sign_in(request, f"{AUTHORIZE}?{query}")
        person.require(GIVE)
        authorization = await read(pairs, self.clients.find, self.resources)
        offered = await self._offered(person, authorization.resource)
        return self._page(request, person, authorization, offered)

    async def decide(self, request: Request) -> Response:
        person = await self.sessions.person(request)
        form = await self.sessions.own_form(request)
        asked = form.get("request", "")
        pairs = forms.pairs(asked.encode("utf-8", "replace"))
        if person is None:
            return self.sessions.to_sign_in(request, f"{AUTHORIZE}?{query_of(pairs)}")
        person.require(GIVE)
        authorization = await read(pairs, self.clients.find, self.resources)
        if form.get("answer") != "yes":
            await self.grants.refuse(person, authorization)
            return _go(authorization.refused("access_denied"), authorization)
        offered = await self._offered(person, authorization.resource)
        try:
            leave = self._leave(form, authorization.resource, offered)
        except NothingChosen as error:
            return self._page(request, person, authorization, offered, f"{error.message} {error.help}", 400)
        code = await self.grants.give(person, authorization, leave)
        return _go(authorization.accepted(code), authorization)

    async def _offered(self, person: Person, resource: Resource) -> Sequence[Connection]:
        """The connections from which the person can choose."""
        if resource.kind not in ON_CONNECTIONS:
            return []
        connections = await self.connections(person.account_id)
        if resource.account is None:
            return connections
        return [one for one in connections if resource.account in {one.id, one.labels.alias}]

    def _leave(self, form: dict[str, str], resource: Resource, offered: Sequence[Connection]) -> Leave:
        """Raises NothingChosen."""
        acts = resource.kind in ON_CONNECTIONS
        apps = [app for app in _apps(resource, offered) if f"app.{app}" in form]
        connections = [one.id for one in offered if f"connection.{one.id}" in form]
        if acts and not apps and not connections:
            raise NothingChosen("No connection is chosen.", help="Choose at least one, or say no.")
        mode = next((mode for mode in MODES if mode == form.get("mode")), None) if acts else "readonly"
        days = form.get("days", "nothing")
        if mode is None or days not in TIMES:
            raise NothingChosen(
                f"This page does not offer {quoted(form.get('mode', days))}.", help="Choose from what it has."
            )
        expires_at = None if days == ENDLESS else self.clock.now() + timedelta(days=int(days))
        return Leave(scopes_of(resource.kind, apps, connections), mode, expires_at)

    def _page(
        self,
        request: Request,
        person: Person,
        authorization: Authorization,
        offered: Sequence[Connection],
        note: str = "",
        status: int = 200,
    ) -> Response:
        html = PAGES.render(
            "ask.html",
            note=note,
            person=person,
            client=authorization.client,
            goes_to=redirects.shown(authorization.redirect_uri),
            resource=authorization.resource,
            acts=authorization.resource.kind in ON_CONNECTIONS,
            apps=_apps(authorization.resource, offered),
            offered=offered,
            modes=MODES,
            times=TIMES,
            request=authorization.query,
            form_token=self.sessions.form_token(request),
        )
        return HTMLResponse(html, status, named_headers(redirects.form_targets(authorization.redirect_uri)))


def error_page(scope: Scope, error: MoorageError) -> Plain | None:
    """The error as a page, if it is an error of this room's pages. None for other paths."""
    if scope["path"] != AUTHORIZE:
        return None
    return PAGES.failed(error, ANYWHERE, back=getattr(error, "back", None))


def _apps(resource: Resource, offered: Sequence[Connection]) -> Sequence[str]:
    """The apps of which all connections are offered, also those that come later."""
    if resource.kind not in ON_CONNECTIONS or resource.account is not None:
        return []
    return sorted({DEFAULT_APP, *(connection.app for connection in offered)})


def _go(location: str, authorization: Authorization) -> Response:
    """Sends a browser on. After 303 it does not send the form to the new address."""
    headers = named_headers(redirects.form_targets(authorization.redirect_uri))
    return Response(None, 303, {**headers, "location": location})
