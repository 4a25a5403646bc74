"""All pages of the console, and how a request becomes a page."""

import contextlib
import hmac
from dataclasses import replace
from functools import partial
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Match, Route
from starlette.types import Receive, Scope, Send

from moorage.console import (
    approvals,
    apps,
    audit,
    connection,
    connections,
    find,
    home,
    key_making,
    key_revoking,
    keys,
    lab,
    limits,
    me,
    people,
    policy,
    query,
    requests,
)
from moorage.console.calls import Calls, Refused
from moorage.console.crm.screen import PAGES as CRM
from moorage.console.frame import rendered
from moorage.console.routes import Site
from moorage.console.visit import Done, Page, Shown, Visit
from moorage.digests import base64url
from moorage.errors import MoorageError
from moorage.http.control import json_response
from moorage.http.errors import STATUS, MethodNotAllowed, NotFound
from moorage.http.inside import InsideCalls
from moorage.keys.service import Keys
from moorage.people.sessions import LONGEST_NEXT, PersonSessions, up
from moorage.web.pages import named_headers

ROOT = "/console"
SCREENS: tuple[tuple[Page, ...], ...] = (
    home.PAGES,
    approvals.PAGES,
    connections.PAGES,  # Before a name of a connection is read there.
    connection.PAGES,
    apps.PAGES,
    key_making.PAGES,  # Before the id of a key is read there.
    key_revoking.PAGES,
    keys.PAGES,
    policy.PAGES,
    me.PAGES,
    people.PAGES,
    find.PAGES,
    query.PAGES,
    lab.PAGES,
    CRM,
    requests.PAGES,
    audit.PAGES,
    limits.PAGES,
)
# The query parameters in which a form's sentence comes to the next page, with proof that it is ours.
NOTE, PROOF = "note", "proof"


class Console(Site):
    """`base_url` is the gateway's address for callers."""

    def __init__(self, inside: InsideCalls, keys: Keys, sessions: PersonSessions, base_url: str) -> None:
        self._inside = inside
        self._keys = keys
        self._sessions = sessions
        self._base_url = base_url
        self._routes = [
            (Route(f"{ROOT}{page.path}", _never, methods=[page.method]), page)
            for pages in SCREENS
            for page in pages
        ]

    async def answer(self, request: Request) -> Response:
        """The answer to a request for any path of the console: a page, also for what is refused."""
        person = await self._sessions.person(request)
        if person is None:
            return self._sign_in(request)
        present = partial(self._sessions.person, request)
        visit = Visit(request, person, self._calls(request), self._base_url, present=present)
        try:
            page, request.scope["path_params"] = self._page(request)
            return await self._answered(visit, page)
        except Refused as refused:
            return await self._failed(visit, refused)
        except MoorageError as error:
            status = STATUS.get(error.code, 500)
            failed = await self._failed(visit, Refused(status, error.code, error.message, error.help or ""))
            if isinstance(error, MethodNotAllowed):
                failed.headers["allow"] = error.allow
            return failed

    async def _answered(self, visit: Visit, page: Page) -> Response:
        if page.needs is not None and not visit.may(page.needs):
            role = visit.person.role
            raise Refused(403, "scope_missing", f"Your role, {role}, may not see this page.", "Ask an owner.")
        if page.method != "GET":
            form = await self._sessions.long_form(visit.request, page.most)
            visit = replace(visit, form=dict(form.pairs), pairs=form.pairs, files=form.files)
        browser = self._sessions.of(visit.request) or ""
        result = await page.show(visit)
        if isinstance(result, Done):
            return _onward(visit.request, result, browser)
        if isinstance(result, Shown):
            return await rendered(
                visit, result, self._sessions.form_token(visit.request), _note(visit, browser)
            )
        return result

    async def _failed(self, visit: Visit, refused: Refused) -> Response:
        values = {
            "message": refused.message,
            "help": refused.help,
            "error": {"code": refused.code, "status": refused.status},
        }
        shown = Shown("failed.html", values, refused.status)
        return await rendered(visit, shown, self._sessions.form_token(visit.request))

    def _page(self, request: Request) -> tuple[Page, dict[str, Any]]:
        """The page at a path, and what its path says. Raises NotFound and MethodNotAllowed."""
        allowed = set()
        for route, page in self._routes:
            match, scope = route.matches(request.scope)
            if match is Match.FULL:
                return page, scope["path_params"]
            if match is Match.PARTIAL:
                allowed.add(page.method)
        if allowed:
            raise MethodNotAllowed(
                f"{request.method} is not possible here.", allow=", ".join(sorted(allowed))
            )
        raise NotFound("There is no such page in the console.", help=f"Begin at {ROOT}.")

    def _page_of_form(self, request: Request) -> str:
        """The page to come back to for somebody whose form was not taken: the nearest that can be opened."""
        path: str = request.url.path
        while len(path) > len(ROOT):
            with contextlib.suppress(NotFound, MethodNotAllowed):
                self._page(Request({**request.scope, "path": path, "method": "GET"}))
                return path
            path = path.rpartition("/")[0]
        return ROOT

    def _calls(self, request: Request) -> Calls:
        client = (request.client.host, request.client.port) if request.client else ("127.0.0.1", 0)
        return Calls(self._inside, self._keys.inside, client, request.headers.get("x-forwarded-for"))

    def _sign_in(self, request: Request) -> Response:
        """Sends a browser to sign in, also one that asked by a script; a program that wants JSON is told so."""
        query: bytes = request.scope["query_string"]  # Nobody has signed in, so it is not read.
        if b"format=json" in query:
            message = "Nobody is signed in in this browser."
            document = {"message": message, "error": {"code": "person_needed", "message": message}}
            return json_response(document, 401)
        back = request.url.path if request.method == "GET" else self._page_of_form(request)
        if query and request.method == "GET" and len(back) + len(query) < LONGEST_NEXT:
            back = f"{back}?{query.decode('latin-1')}"
        answer = self._sessions.to_sign_in(request, back[:LONGEST_NEXT])
        if "hx-request" in request.headers:
            return Response(
                status_code=204, headers={**named_headers(), "HX-Redirect": answer.headers["location"]}
            )
        return answer


def _proof(browser: str, note: str) -> str:
    return base64url(hmac.digest(browser.encode(), f"note {note}".encode(), "sha256"))


def _note(visit: Visit, browser: str) -> str:
    """The sentence of the form before. A link of somebody else can't make a page say something."""
    note, proof = visit.query.get(NOTE, ""), visit.query.get(PROOF, "")
    return note if hmac.compare_digest(proof.encode(), _proof(browser, note).encode()) else ""


def _onward(request: Request, done: Done, browser: str) -> Response:
    if done.cookie:
        browser = done.cookie.partition("=")[2].partition(";")[0]
    path, _, query = done.path.partition("?")
    params = QueryParams(query)
    if done.note:
        said = [(NOTE, done.note), (PROOF, _proof(browser, done.note))]
        params = QueryParams([*params.multi_items(), *said])
    location = f"{up(request)}{ROOT[1:]}{path}"
    headers = named_headers() | ({"set-cookie": done.cookie} if done.cookie else {})
    return RedirectResponse(f"{location}?{params}" if params else location, 303, headers)


async def _never(scope: Scope, receive: Receive, send: Send) -> None:
    """Starlette's routes only match paths here."""
