"""The pages on which a person connects. They are plain HTML, work without scripts, and forbid scripts."""

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope as Asgi

from moorage.errors import MoorageError
from moorage.http import forms
from moorage.http.control import route
from moorage.http.message import Response as Plain
from moorage.oauth import CALLBACK
from moorage.oauth.connect.service import AuthorizationResponse, Connect, Connected
from moorage.oauth.errors import ConnectRefused
from moorage.web.browser import BrowserCookie, FormRefused, form_token_of, new_random, own_pairs
from moorage.web.pages import ANYWHERE, Pages, named_headers

PATH = "/connect/"
COOKIE_SECONDS = 1800

_PAGES = Pages("moorage.oauth.connect", "Moorage")
# The headers matter, because the URL of such a page contains a session token or a code.
_HEADERS = named_headers(ANYWHERE)


def routes(connect: Connect, public_url: str, on_change: Callable[[], None]) -> list[Route]:
    """The routes of the connect pages. `on_change` is called after a connection was connected."""
    cookie = BrowserCookie("moorage-connect", public_url, PATH, COOKIE_SECONDS)
    pages = _ConnectPages(connect, public_url, cookie, on_change)
    return [route(PATH, GET=pages.show, POST=pages.submit), route(CALLBACK, GET=pages.come_back)]


class _ConnectPages(msgspec.Struct, frozen=True):
    connect: Connect
    public_url: str
    cookie: BrowserCookie
    on_change: Callable[[], None]

    async def show(self, request: Request) -> Response:
        query = forms.fields(request.scope["query_string"])
        token, reads_only = query.get("session_token", ""), query.get("access") == "read"
        offer, browser = await self.connect.offer(token), self.cookie.of(request) or new_random()
        host, form_token = urlsplit(self.public_url).netloc, form_token_of(browser)
        shown = {"session_token": token, "form_token": form_token, "reads_only": reads_only}
        answer = _page("ask.html", offer=offer, host=host, **shown)
        # Each page sets the cookie again, so that its form stays valid for the cookie's whole lifetime.
        self.cookie.put(answer, browser)
        return answer

    async def submit(self, request: Request) -> Response:
        pairs = await _own_form(request, self.public_url, self.cookie)
        form = dict(pairs)
        token, choice = form.get("session_token", ""), form.get("place", "")
        if "key" in form:
            return self._done(await self.connect.paste(token, choice, form["key"]))
        browser = self.cookie.of(request) or new_random()
        url = await self.connect.begin(
            token,
            choice=choice,
            environment=form.get("environment", ""),
            scopes=[value for name, value in pairs if name == "scope"],
            browser=browser,
            reads_only=form.get("access") == "read",
        )
        answer = RedirectResponse(url, 303, _HEADERS)
        self.cookie.put(answer, browser)
        return answer

    async def come_back(self, request: Request) -> Response:
        query = forms.fields(request.scope["query_string"])
        if request.method == "HEAD":  # A HEAD request must not spend the code.
            return _page("failed.html", message="Nothing was connected.", help="")
        response = _authorization_response(query)
        return self._done(await self.connect.finish(response, self.cookie.of(request)))

    def _done(self, connected: Connected) -> Response:
        self.on_change()
        if connected.back is not None:
            return RedirectResponse(connected.back, 303, _HEADERS)
        return _page("done.html", provider=connected.provider, metadata=connected.metadata)


def _authorization_response(query: Mapping[str, str]) -> AuthorizationResponse:
    return AuthorizationResponse(
        query.get("state", ""),
        query.get("code") or None,
        query.get("error") or None,
        query.get("location") or None,
        {name: query[name] for name in ("accounts-server", "iss") if query.get(name)},
    )


def error_page(scope: Asgi, error: MoorageError) -> Plain | None:
    """The error as a page, if it is an error of these pages. None for other paths, whose errors are JSON."""
    if scope["path"] not in {PATH, CALLBACK}:
        return None
    ways_on = {name: getattr(error, name, None) for name in ("again", "back")}
    return _PAGES.failed(error, ANYWHERE, **ways_on)


async def _own_form(request: Request, public_url: str, cookie: BrowserCookie) -> list[tuple[str, str]]:
    """The fields of a form that our page has sent. Raises ConnectRefused for any other form, and BodyTooLarge."""
    try:
        return await own_pairs(request, public_url, cookie.of(request))
    except FormRefused as refused:
        help_ = "Open the connection's url and begin there. Allow this site's cookies."
        raise ConnectRefused(refused.message, help=help_) from None


def _page(template: str, **values: object) -> Response:
    return HTMLResponse(_PAGES.render(template, **values), headers=_HEADERS)
